"""The report: check parameters -> train -> papermill -> nbconvert -> reports/. Light to import, since notebooks do."""

"""The report: check parameters -> train -> papermill -> nbconvert -> reports/. Light to import, as notebooks do."""

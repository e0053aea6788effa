"""The report: check parameters -> papermill -> nbconvert -> reports/."""

from .runner import make_report

__all__ = ["make_report"]

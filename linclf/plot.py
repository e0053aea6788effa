"""Pictures of plain runs, models and arrays; the report draws its figures with the same functions."""

from linclf.report.views.plots import confusion, history, images, templates

__all__ = ["confusion", "history", "images", "templates"]

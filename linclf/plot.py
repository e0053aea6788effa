"""Pictures of plain runs, models and arrays; the report draws its figures with the same functions."""

try:
    from linclf.report.views.plots import confusion, history, images, templates
except ModuleNotFoundError as error:
    missing = str(error.name).partition(".")[0]
    raise ImportError(f"pictures need {missing}: pip install 'linclf[report]'") from error

__all__ = ["confusion", "history", "images", "templates"]

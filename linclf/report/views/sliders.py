"""Sliders for JupyterLab: each change trains and draws anew. Elsewhere the same cell shows a still figure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from matplotlib.figure import Figure

from linclf.errors import LinclfError
from linclf.studies.exploration import Exploration, ExplorationPlan
from linclf.studies.study import Split
from linclf.training.loop import Run
from linclf.training.losses import LOSSES
from linclf.training.model import Linear

from . import html, pictures, plots
from .explore import name_of
from .html import own_settings
from .plots import template_images
from .reference import history

EPOCHS = 10
VALIDATING = 2_500
"""Validation images that are measured, the first ones: with all, a change took a second and more."""
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
PENALTIES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SIZES = (10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Moving:
    """Widgets, and what stands in their place where none are shown."""

    widgets: Any
    still: html.Output

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> html.Bundle:
        data, metadata = self.still._repr_mimebundle_()
        return {**data, **self.widgets._repr_mimebundle_()}, metadata


def sliders(exploration: Exploration, *, number: int | str) -> Any:
    """Sliders for a setting, and one over the epochs that turns the templates; a still figure without ipywidgets."""
    plan = replace(exploration.plan, epochs=min(EPOCHS, exploration.plan.epochs), seeds=1)
    runs, _, _ = exploration.train_plan(plan)
    title = f"Accuracy over {plan.epochs} epochs, {name_of(runs[0].config)}, seed {plan.first_seed}."
    still = history({"": runs}, "accuracy", number=number, title=title)
    try:
        import ipywidgets
    except ImportError:
        return still
    return Moving(_widgets(ipywidgets, exploration, plan), still)


def _widgets(w: Any, exploration: Exploration, plan: ExplorationPlan) -> Any:
    wide = {"style": {"description_width": "8em"}, "layout": {"width": "28em"}, "continuous_update": False}
    controls = {
        "learning_rate": w.SelectionSlider(description="learning rate η", **_among(RATES, plan.learning_rate), **wide),
        "l2": w.SelectionSlider(description="penalty λ", **_among(PENALTIES, plan.l2), **wide),
        "loss": w.Dropdown(description="loss", options=list(LOSSES), value=plan.loss, style=wide["style"]),
        "lr_decay": w.FloatSlider(description="decay of η", min=0.5, max=1.0, step=0.05, value=plan.lr_decay, **wide),
        "batch_size": w.SelectionSlider(description="batch size", **_among(SIZES, plan.batch_size), **wide),
        "epochs": w.IntSlider(description="epochs", min=1, max=max(40, plan.epochs), value=plan.epochs, **wide),
    }
    for name in ("learning_rate", "l2", "batch_size"):
        controls[name].add_class("only-these")
    # What is typed over the number of such a slider would be shown, and not used.
    only_these = w.HTML("<style>.only-these .widget-readout { pointer-events: none }</style>")
    epoch = w.IntSlider(description="epoch shown", min=0, max=plan.epochs, value=plan.epochs, style=wide["style"])
    said, curves, templates = w.HTML(), w.HTML(), w.HTML()
    kept: dict[int, Linear] = {}

    def turn(_: Any = None) -> None:
        templates.value = _templates(exploration, kept[epoch.value]) if epoch.value in kept else ""

    def train(_: Any = None) -> None:
        try:
            new = replace(plan, **{name: control.value for name, control in controls.items()})
            (run,), checkpoints, seconds = exploration.train_plan(new, range(new.epochs + 1), VALIDATING)
        except LinclfError as error:  # such as a learning rate that is too large
            said.value, curves.value, templates.value = f"<b>{escape(str(error))}</b>", "", ""
            kept.clear()
            return
        kept.clear()
        kept.update(checkpoints)
        said.value = escape(_cost(run, seconds, exploration.split()))
        source = html.data_link("image/svg+xml", html.svg(_drawn(run), salt="sliders"))
        curves.value = f'<img src="{source}" alt="Loss and accuracy over {new.epochs} epochs">'
        epoch.max = epoch.value = new.epochs
        turn()

    train()
    for control in controls.values():
        control.observe(train, "value")
    epoch.observe(turn, "value")
    return w.VBox([only_these, *controls.values(), said, curves, epoch, templates])


def _among(values: tuple[float, ...], chosen: float) -> Mapping[str, Any]:
    """Options of a slider, with the chosen value among them."""
    return {"options": [(f"{value:g}", value) for value in sorted({*values, chosen})], "value": chosen}


def _cost(run: Run, seconds: float, split: Split) -> str:
    """What a training took and came to."""
    n, validating = len(split.train[1]), min(VALIDATING, len(split.validation[1]))
    assert run.history is not None
    train, validation = (100 * series[-1] for series in (run.history.train_accuracy, run.history.validation_accuracy))
    return (
        f"{name_of(run.config)}: {run.config.epochs} epochs on {n:,} images took {seconds:.2f} s: {train:.1f} % of "
        f"them are right, and {validation:.1f} % of {validating:,} validation images."
    )


@own_settings()
def _drawn(run: Run) -> Figure:
    """Loss and accuracy side by side."""
    figure = Figure(figsize=(8.2, 3.1))
    figure.subplots_adjust(left=0.12, right=0.98, bottom=0.16, top=0.88, wspace=0.35)  # to fit them takes time
    for place, quantity in enumerate(("loss", "accuracy"), start=1):
        plots.history(run, quantity, ax=figure.add_subplot(1, 2, place))
    return figure


def _templates(exploration: Exploration, model: Linear) -> str:
    """The templates of the first classes in a row, each with its name."""
    data = exploration.data
    if not pictures.can_be_shown(data.test_images):
        return "No pictures: the inputs are no images of 1 or 3 channels."
    names = data.class_names[: pictures.MOST_CLASSES]
    drawn = template_images(model.W[: len(names)], data.test_images.shape[1:])
    row = [pictures.Picture(pixels, f"Template of the class {k}", k) for pixels, k in zip(drawn, names, strict=True)]
    return f'<div style="line-height: 1.3">{pictures.table({"": row})}</div>{html.IN_JUPYTER}'

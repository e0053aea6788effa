"""Sliders for JupyterLab: each change trains and draws anew. Elsewhere the same cell shows a still figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from html import escape
from typing import Any

from matplotlib.figure import Figure

from linclf.data.dataset import Dataset
from linclf.studies.exploration import Exploration, ExplorationPlan
from linclf.training import LOSSES, Linear, Run

from . import explore, html, pictures, plots, reference

MOST_EPOCHS, VALIDATING = 200, 2_500
"""Epochs that are trained, and validation images that are measured, the first ones: with all, a change took seconds."""
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
PENALTIES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
DECAYS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
SIZES = (10, 20, 50, 100, 200, 500, 1000)


def sliders(exploration: Exploration, *, number: int | str) -> html.Output:
    """Sliders for a setting, and one over the epochs that turns the templates; a still figure without ipywidgets.

    They begin with the setting of the exploration, of its first seed; what has no slider stays as it is there.
    """
    asked, split = exploration.plan, exploration.split()
    plan = replace(asked, epochs=min(MOST_EPOCHS, asked.epochs), seeds=1)
    validating = f"{min(VALIDATING, len(split.validation[1])):,} validation images"

    @lru_cache(maxsize=1)
    def trained(plan: ExplorationPlan) -> tuple[Run, Mapping[int, Linear], str]:
        (run,), checkpoints, seconds, broke = exploration.train_plan(plan, range(plan.epochs + 1), VALIDATING)
        train, validation = (100 * getattr(run.history, f"{part}_accuracy")[-1] for part in ("train", "validation"))
        said = (
            f"{explore.name_of(run.config)}: {plan.epochs:,} epoch{'s' * (plan.epochs > 1)} on {len(split.train[1]):,} "
            f"images took {seconds:.2f} s: {train:.1f} % of them are right, and {validation:.1f} % of {validating}."
        )
        told = f"<p>{escape(said)}</p>" if not broke else html.callout(broke, kind="warning").markup
        source = html.data_link("image/svg+xml", html.svg(_drawn(run), salt="sliders"))
        curves = f'<img style="max-width: 100%" src="{source}" alt="Loss and accuracy over {plan.epochs} epochs">'
        return run, checkpoints, f"{told}{curves}"

    run, *_ = trained(plan)
    epochs = f"{plan.epochs:,} epochs"
    if plan.epochs < asked.epochs:
        epochs = f"the first {plan.epochs:,} of {asked.epochs:,} epochs, as many as sliders train"
    title = f"Accuracy over {epochs}, {explore.name_of(run.config)}, seed {plan.first_seed}, {validating}."
    still = reference.history({"": [run]}, "accuracy", number=number, title=title)
    try:
        import ipywidgets
    except ImportError:
        return still

    def show(epoch: int, **values: Any) -> str:
        _, checkpoints, shown = trained(replace(plan, **values))
        at = max(known for known in checkpoints if known <= epoch)
        return html.visible(shown + _templates(exploration.data, checkpoints[at]))

    widgets = _widgets(ipywidgets, plan, show)
    return replace(still, others={**still.others, **widgets._repr_mimebundle_()}, widgets=widgets)


def _widgets(w: Any, plan: ExplorationPlan, show: Callable[..., str]) -> Any:
    """The sliders, and what ``show`` gives for their values."""
    wide = {"style": {"description_width": "8em"}, "layout": {"width": "28em"}, "continuous_update": False}

    def among(description: str, values: Sequence[float], chosen: float) -> Any:
        options = [(explore.exact(value), value) for value in sorted({*values, chosen})]
        return w.SelectionSlider(description=description, options=options, value=chosen, **wide)

    controls = {
        "learning_rate": among("learning rate η", RATES, plan.learning_rate),
        "l2": among("penalty λ", PENALTIES, plan.l2),
        "loss": w.Dropdown(description="loss", options=list(LOSSES), value=plan.loss, style=wide["style"]),
        "lr_decay": among("decay of η", DECAYS, plan.lr_decay),
        "batch_size": among("batch size", SIZES, plan.batch_size),
        "epochs": w.IntSlider(description="epochs", min=1, max=max(40, plan.epochs), value=plan.epochs, **wide),
        "epoch": w.IntSlider(description="epoch shown", min=0, max=plan.epochs, value=plan.epochs, style=wide["style"]),
    }
    for end in ("max", "value"):
        w.dlink((controls["epochs"], "value"), (controls["epoch"], end))
    # What is typed over the value of a SelectionSlider would be shown, and not used.
    style = w.HTML(
        "<style>.linclf-sliders > * { max-width: 100% } .jupyter-widgets.widget-hslider .widget-readout { "
        "pointer-events: none } .linclf-sliders.jupyter-widgets-disconnected::before { content: 'The kernel has "
        "restarted: run the cells above again, and then this one.' } "
        ".linclf-panel.jupyter-widgets-disconnected { display: none }</style>"
    )
    # Not interactive_output: what an Output widget shows goes back to the kernel, and a notebook that nbclient executes
    # waits for ever where that is more than 64 kB.
    panel = w.HTML()
    panel.add_class("linclf-panel")

    def changed(_: Any = None) -> None:
        panel.layout.visibility = "hidden"  # while it trains, no figure stands beside values that are not its own
        panel.value = show(**{name: control.value for name, control in controls.items()})
        panel.layout.visibility = "visible"

    changed()
    for control in controls.values():
        control.observe(changed, "value")
    box = w.VBox([style, *controls.values(), panel], layout={"width": "100%"})
    box.add_class("linclf-sliders")
    return box


@html.own_settings()
def _drawn(run: Run) -> Figure:
    """Loss and accuracy side by side."""
    figure = Figure(figsize=(8.2, 3.1))
    figure.subplots_adjust(left=0.12, right=0.98, bottom=0.16, top=0.88, wspace=0.35)  # to fit them takes time
    for place, quantity in enumerate(("loss", "accuracy"), start=1):
        plots.history(run, quantity, ax=figure.add_subplot(1, 2, place))
    return figure


def _templates(data: Dataset, model: Linear) -> str:
    """The templates of the first classes, each above its name, as many in a row as there is room for."""
    if not pictures.can_be_shown(data.test_images):
        return "<p>No pictures: the inputs are no images of 1 or 3 channels.</p>"
    names = data.class_names[: pictures.MOST_CLASSES]
    drawn = plots.template_images(model.W[: len(names)], data.test_images.shape[1:])
    shown = (
        f"<div>{pictures.image(pixels, f'Template of the class {k}', width=100)}<br>{escape(k)}</div>"
        for pixels, k in zip(drawn, names, strict=True)
    )
    return f'<div style="display: flex; flex-wrap: wrap; gap: 10px; line-height: 1.4">{"".join(shown)}</div>'

"""Pictures in rows and columns, as crisp pixels: images, templates, evidence."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from linclf.data.dataset import Dataset
from linclf.training.model import Linear

from . import bundles, html
from .plots import template_images


@dataclass(frozen=True)
class Picture:
    """Pixels (h, w, 3) or grey (h, w) in 0..1, what they show in a phrase, and what stands beneath."""

    pixels: np.ndarray
    alt: str
    text: str = ""


def grid(
    rows: Mapping[str, Sequence[Picture]],
    *,
    columns: Sequence[str] = (),
    number: int | str,
    caption: str,
    data: Mapping[str, Sequence[Any]],
) -> Any:
    """Rows of pictures, as a numbered figure with numbers to download."""
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in columns)
    body = f"<tr><td></td>{head}</tr>" if columns else ""
    for name, own in rows.items():
        cells = "".join(f"<td>{_image(each)}</td>" for each in own)
        body += f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    everything = [each for own in rows.values() for each in own]
    mosaic = bundles.mosaic(np.stack([each.pixels for each in everything]), [each.text for each in everything])
    png = bundles.png(mosaic, caption)
    table = f'<table class="pictures">{body}</table>'
    return html.numbered(number, table, caption, "csv", "Numbers (CSV)", html.csv_bytes(data), png)


def _image(picture: Picture) -> str:
    text = f"<br><span>{escape(picture.text)}</span>" if picture.text else ""
    source = html.data_link("image/png", png(picture.pixels))
    return f'<img class="pixels" width="60" src="{source}" alt="{escape(picture.alt)}">{text}'


def png(pixels: np.ndarray) -> bytes:
    """Pixels in 0..1 as a PNG, one dot each."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(file, format="png", optimize=True)
    return file.getvalue()


def can_be_shown(images: np.ndarray) -> bool:
    """Whether the inputs of a data set are images of one or three channels, and not feature vectors, say."""
    return images.ndim == 4 and images.shape[3] in (1, 3)


def nothing_to_show(images: np.ndarray) -> Any:
    """What stands in place of pictures."""
    return html.callout(f"No pictures: they need images of 1 or 3 channels, and an input here is {images.shape[1:]}.")


def as_pictures(images: np.ndarray) -> np.ndarray:
    """Images that can be shown, in 0..1, (n, h, w, 3) or grey (n, h, w)."""
    pixels = images / 255 if images.dtype == np.uint8 else np.clip(images, 0, 1)
    return pixels[..., 0] if pixels.shape[3] == 1 else pixels


def templates(models: Mapping[str, Linear], data: Dataset, *, number: int | str, caption: str) -> Any:
    """A row of templates for each model under its name ("epoch 5", say), each template stretched on its own."""
    if not can_be_shown(data.test_images):
        return nothing_to_show(data.test_images)
    shape, names = data.test_images.shape[1:], data.class_names
    drawn = {row: template_images(model.W, shape) for row, model in models.items()}
    rows = {
        row: [Picture(pixels, f"Template of the class {name}, {row}") for pixels, name in zip(own, names, strict=True)]
        for row, own in drawn.items()
    }
    sizes = {f"norm, {row}": np.linalg.norm(model.W, axis=1).tolist() for row, model in models.items()}
    return grid(rows, columns=names, number=number, caption=caption, data={"class": names, **sizes})


def strip_epochs(epochs: int, stops: Iterable[int] = (0, 1, 2, 5, 10, 20, 40)) -> list[int]:
    """The epochs that a strip shows: the stops before the last one, and the last.

    >>> strip_epochs(7)
    [0, 1, 2, 5, 7]
    """
    return [*(stop for stop in stops if stop < epochs), epochs]

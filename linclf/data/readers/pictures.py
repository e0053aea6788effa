"""Picture files, in a folder for each class: ``train/cat/1.png`` and ``test/cat/2.png``, or ``cat/1.png`` alone.

Or in any folders, beside a table ``labels.csv`` of their names and labels.
"""

import csv
import io
import math
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from linclf.data import dataset
from linclf.data.dataset import Dataset, Option, Reader, split_dataset
from linclf.data.labels import composed, encode_words
from linclf.errors import ConfigError, DataError, LinclfError
from linclf.system.files import LOCK

from .tables import label_column, listed, reading_table

Made = TypeVar("Made")
Classes = dict[str, list[Path]]
"""The pictures of each class."""


def find(path: Path) -> Path | None:
    """``path`` if it is a folder that holds pictures, or a folder ``train``, or None."""
    holds = path.is_dir() and ((path / "train").is_dir() or any(list_pictures(path, Counter())))
    return path if holds else None


def load(
    path: Path,
    source: str,
    image_size: int | None = None,
    label: str | None = None,
    group: str | None = None,
    *,
    skip_unreadable: bool = False,
) -> Dataset:
    """The data set of a folder, (n, h, w, c) uint8; DataError naming the first file or folder that does not fit.

    :func:`sort_pictures` says what the folders mean, :func:`read_pictures` what becomes of a picture. The classes are
    those of ``train`` by name. Without a folder ``test``, a test set is split off; those of ``val`` are to validate on.
    Other files are passed over and counted.
    """
    found = sort_pictures(path, label, group)
    rows = [(part, name, file) for part, of in found.parts.items() for name, files in of.items() for file in files]
    images, unreadable, notes = read_pictures([file for *_, file in rows], image_size, skip_unreadable=skip_unreadable)
    names = [name for _, name, _ in rows]
    if found.tables:  # labels that are numbers come in their order
        labels, class_names = encode_words(names, str(path))
    else:
        class_names = sorted(found.parts["train"])
        labels = np.searchsorted(class_names, names)
    labels = labels[[file not in unreadable for *_, file in rows]]
    read = [(part, file) for part, _, file in rows if file not in unreadable]
    sources = {part: [str(file.relative_to(path)) for of, file in read if of == part] for part in found.parts}
    ends = np.cumsum([len(files) for files in sources.values()])[:-1]
    sets = zip(np.split(images, ends), np.split(labels, ends), strict=True)
    for table, missing in found.tables.items():
        found.over[f"rows of {table.name} without a picture"] += len(missing)
    found.over["pictures that cannot be read"] += len(unreadable)
    if unreadable:
        notes.append(f"These cannot be read: {', '.join(str(file.relative_to(path)) for file in unreadable)}.")
    return split_dataset(
        dict(zip(sources, sets, strict=True)),
        name=f"{path.resolve().name} (image files)",
        source=source,
        layout=f"labels in {next(iter(found.tables)).name}" if found.tables else "a folder a class",
        class_names=class_names,
        notes=[*notes, *passed_over(found.over)],
        sources=sources,
        groups=None if group is None else (group, np.array([found.groups[f] for part, f in read if part == "train"])),
    )


# Folders

_SYSTEM_FOLDERS = re.compile(
    r"[.@].*|__macosx|[#$]recycle(\.bin)?|recycle[rd]|#snapshot|system volume information|lost(\+found|\.dir)"
    r"|_*thumb(nail)?s?",
    re.IGNORECASE,
)
_FILLERS = {"", "set", "sets", "data", "dataset", "image", "images", "img", "imgs", "pictures", "photos", "seg"}
"""What may stand beside the name of a part in that of its folder: test_set, images-train."""
_IMAGES = {"image", "images", "img", "imgs"}
_BESIDE_IMAGES = re.compile(
    r"ground[-_ ]?truths?|gts?|labels?|masks?|annotations?|segmentations?|trimaps?", re.IGNORECASE
)
_DATE = re.compile(r"(19|20)\d\d(\D.*|\d{4}.*)?")
_TABLES = ("labels.csv", "metadata.csv")
_A_LINK = "expected a folder, found a link to one, which is not followed: copy what it holds"
_NO_FOLDER = "pictures in no folder of a class"


@dataclass
class Found:
    """The pictures of each part and class, how many files are passed over, by reason, and the tables of labels.

    Of each table, the names in it that no picture has. Where ``group`` is a column of them, which group each picture
    is of.
    """

    parts: dict[str, Classes] = field(default_factory=dict)
    over: Counter[str] = field(default_factory=Counter)
    tables: dict[Path, set[str]] = field(default_factory=dict)
    group: str | None = None
    groups: dict[Path, str] = field(default_factory=dict)


def passed_over(over: Counter[str]) -> list[str]:
    """What is passed over, as a sentence; none if nothing is."""
    reasons = [f"{number:,} {reason}" for reason, number in sorted(over.items()) if number]
    return [f"Passed over: {', '.join(reasons)}."] if reasons else []


def list_pictures(root: Path, over: Counter[str]) -> Iterator[Path]:
    """The pictures below ``root``, in order; all other files are counted in ``over``, by why they are passed over.

    Links to folders are not followed, and links to files are where these lie below ``root``.
    """
    inside = os.path.join(os.path.realpath(root), "")
    folders = [(os.fspath(root), "")]  # with the reason to pass over all that is in it
    while folders:
        folder, why = folders.pop()
        with os.scandir(folder) as held:
            entries = sorted(held, key=lambda entry: entry.name)
        below = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append((entry.path, why or _why_folder(Path(entry.path))))
            elif entry.is_dir():
                over["linked folders"] += 1
            elif reason := why or _why_file(entry, inside):
                over[reason] += 1
            else:
                yield Path(entry.path)
        folders += reversed(below)


def _why_folder(folder: Path) -> str:
    """Why all in a folder is passed over; "" if it is not.

    That is where a report is, or is being, written, or keeps its runs, and what systems keep beside pictures.
    """
    if _SYSTEM_FOLDERS.fullmatch(folder.name):
        return f"files in {folder.name}"
    of_report = (folder / LOCK).exists() or (folder.name == "runs" and (folder.parent / LOCK).exists())
    return "files of reports" if of_report else ""


def _why_file(entry: os.DirEntry[str], inside: str) -> str:
    ending = os.path.splitext(entry.name)[1].lower()
    if entry.name.startswith("."):
        return "hidden files"
    if ending not in ENDINGS | HEIC:
        return f"{ending or 'other'} files"
    if entry.is_symlink() and not os.path.realpath(entry.path).startswith(inside):
        return "links to pictures elsewhere"
    return ""


def sort_pictures(root: Path, label: str | None = None, group: str | None = None) -> Found:
    """The pictures below ``root`` by part and class.

    ``root`` holds folders of the parts (train, val, test, in any case, or such as training_set) with a folder for each
    class in them; or a folder for each class, with folders of the parts in it or not. A picture may be deeper within
    its class. A folder called ``train`` is a class where other classes stand beside it. A single folder within
    ``root`` is looked into. Or a table labels.csv or metadata.csv, in ``root`` or in a part, names the pictures, which
    are in no folders of classes; ``label`` is its column of labels, ``group`` that of groups.

    Raises:
        DataError: pictures that no folder gives a class, folders that are no classes, or classes that training does not
            have.
    """
    for pattern in ("instances*.json", "*/instances*.json", "*coco*.json", "*/*coco*.json"):
        for coco in root.glob(pattern):
            said = "names of objects in pictures, as COCO has them; cut each out as a picture, in a folder a class"
            raise DataError(f"{coco}: expected a folder of pictures for each class, found {said}")
    found = Found(group=group)
    groups = _by_folder(root, list_pictures(root, found.over))
    tables = [root]
    while len(names := [*filter(None, groups)]) == 1 and not _part_of(names[0]):
        inside = _by_folder(root / names[0], groups[names[0]])
        if inside.keys() == {""}:
            tables.append(root / names[0])
            break
        found.over[_NO_FOLDER] += len(groups.get("", ()))
        root, groups = root / names[0], inside
        tables.append(root)
    splits = {name: part for name in names if (part := _part_of(name))}
    inside_of = {name: _by_folder(root / name, groups[name]) for name in names}
    if not (splits and (len(splits) == len(names) or any(len(inside_of[name].keys() - {""}) > 1 for name in splits))):
        if len(names) > 1 and (given := [name for name, part in splits.items() if part != "train"]):
            said = f"{listed(names)}; put those of classes into train, or give this one another name"
            raise DataError(f"{root / given[0]}: expected a folder train beside it, found {said}")
        classes = _classes(root, groups, found, tables, label)
        found.parts = {"train": classes} if found.tables else _parts_within(root, classes)
        return found
    for path in root.iterdir():
        if path.is_symlink() and path.is_dir() and _part_of(path.name):
            raise DataError(f"{path}: {_A_LINK}")
    for name, part in sorted(splits.items(), key=lambda split: split[1] != "train"):
        if part in found.parts:
            raise DataError(f"{root / name}: expected one folder for {part}, found another beside it")
        folder, inside = root / name, inside_of[name]
        while len(inside) == 1 and _part_of(deeper := next(iter(inside))) == part:  # as some archives are unpacked
            folder, inside = folder / deeper, _by_folder(folder / deeper, inside[deeper])
        found.parts[part] = _classes(folder, inside, found, [*tables, folder], label, part)
    for name in set(names) - set(splits):
        found.over[f"pictures in {name}, beside the folders of the parts"] += len(groups[name])
    found.over[_NO_FOLDER] += len(groups.get("", ()))
    if "train" not in found.parts:
        raise DataError(f"{root}: expected a folder train beside {', '.join(splits)}")
    known = found.parts["train"]
    for part in sorted(found.parts.keys() - {"train"}):
        classes = found.parts[part]
        others = [name for name in classes if name not in known]
        if len(others) == len(classes) <= 1:  # in no folder of a class
            number = sum(map(len, found.parts.pop(part).values()))
            found.over[f"pictures for {part} without labels, in no folder of a class"] += number
        elif others:
            folder = classes[others[0]][0].parent
            raise DataError(f"{folder}: expected a class of training, such as {next(iter(known))}, found {others[0]}")
    return found


def _by_folder(folder: Path, files: Iterable[Path]) -> Classes:
    """Files by the folder in ``folder`` that they are in, "" for none."""
    groups: Classes = {}
    for file in files:
        name, *deeper = file.parts[len(folder.parts) :]
        groups.setdefault(name if deeper else "", []).append(file)
    return groups


def _part_of(name: str) -> str:
    """The part that a folder of this name holds, or "".

    >>> [_part_of(name) for name in ("Training_set", "images-test", "trainset", "val2017", "training-day")]
    ['train', 'test', 'train', 'validation', '']
    """
    words = _words(name)
    parts = _parts_in(words)
    return parts.pop() if len(parts) == 1 and {*words} <= {*dataset.PART_NAMES, *_FILLERS} else ""


def _words(name: str) -> list[str]:
    return re.split(r"[\W_\d]+", re.sub(r"(?<=\w)set$", " set", name.lower()))


def _parts_in(words: Iterable[str]) -> set[str]:
    return {dataset.PART_NAMES[word] for word in words if word in dataset.PART_NAMES}


def _classes(
    folder: Path, groups: Classes, found: Found, tables: Sequence[Path], label: str | None, part: str = "train"
) -> Classes:
    """The pictures of each class: of each folder in ``folder``, or as a table says."""
    loose = groups.get("", [])
    names = [name for name in groups if name]
    files = [file for inside in groups.values() for file in inside]
    table = next((place / name for place in reversed(tables) for name in _TABLES if (place / name).is_file()), None)
    asked = label if label is not None else found.group
    if table and (len(names) < 2 or asked is not None):
        classes = _labelled(table, files, found, label)
        if part == "train" and not classes:
            raise DataError(f"{table}: expected labels of pictures to train on, found none")
        return classes
    if table and 2 * _Table(table, files).named >= len(files):
        advice = "name its column (--label NAME) to take it, or move it elsewhere"
        raise DataError(f"{table}: expected labels by folders or by this table, found both; {advice}")
    if asked is not None:
        raise DataError(f"{folder}: expected {' or '.join(_TABLES)} with a column {asked}, found no such table")
    for path in sorted(folder.iterdir()):
        over: Counter[str] = Counter()
        if path.is_dir() and path.name not in groups and not _why_folder(path):
            if path.is_symlink():
                raise DataError(f"{path}: {_A_LINK}")
            if [*list_pictures(path, over)] or "files of reports" not in over:
                held = f", found only {over.total():,} others" if over else ", found none"
                raise DataError(f"{path}: expected image files{held} (pictures end in .png, .jpg and the like)")
    if loose and not names and part != "train":
        return {"": loose}
    if not names:
        such = f"{len(loose):,} pictures in no such folder" if loose else "none"
        advice = f"make such folders, or write {_TABLES[0]} with columns file and label"
        raise DataError(f"{folder}: expected a folder for each class, found {such}; {advice}")
    found.over[_NO_FOLDER] += len(loose)
    _check_same_folders(folder, {name: groups[name] for name in names})
    classes = {}
    for name in names:
        classes.setdefault(composed(name), []).extend(groups[name])
    return classes


def _check_same_folders(folder: Path, classes: Classes) -> None:
    """DataError where folders hold the same folders: those are the classes, and the ones above are not."""
    others = [name for name in classes if _BESIDE_IMAGES.fullmatch(name)]
    if others and any(name.lower() in _IMAGES for name in classes):
        raise DataError(f"{folder}: expected a folder for each class, found images and their {others[0]}")
    stems = {name: [word for word in _words(name) if word not in dataset.PART_NAMES] for name in sorted(classes)}
    for one, other in combinations([name for name, stem in stems.items() if any(stem)], 2):
        if stems[one] == stems[other] and len(_parts_in(_words(one)) | _parts_in(_words(other))) > 1:
            found = f"{one} and {other}, parts of one class; put them into folders train and test"
            raise DataError(f"{folder}: expected a folder for each class, found {found}")
    inside: dict[str, set[str]] = {}
    for name, files in classes.items():
        below = {file.parts[len(folder.parts) + 1 : -1] for file in files}
        first = {next((deeper for deeper in folders if not _part_of(deeper)), "") for folders in below} - {""}
        inside[name] = {deeper for deeper in first if not _DATE.fullmatch(deeper)}
    inside = {name: folders for name, folders in inside.items() if len(folders) > 1}
    same = [(one, other, inside[one] & inside[other]) for one, other in combinations(inside, 2)]
    numbered = [(one, other) for one, other, _ in same if re.sub(r"\d+", "", one) == re.sub(r"\d+", "", other)]
    same += [(name, folder.name, folders & classes.keys()) for name, folders in inside.items()]
    for one, other, shared in same:
        if len(shared) > 1 or (shared and (one, other) in numbered):
            found = f"{one} and {other}, which hold the same folders ({', '.join(sorted(shared)[:5])})"
            advice = "name one of the two, or call them train and test"
            raise DataError(f"{folder}: expected a folder for each class, found {found}: {advice}")


def _parts_within(root: Path, classes: Classes) -> dict[str, Classes]:
    """The parts, where each class has folders for them; else all is for training."""
    found: dict[str, Classes] = {"train": {}}
    for name, files in classes.items():
        for folder, inside in _by_folder(root / name, files).items():
            found.setdefault(_part_of(folder), {}).setdefault(name, []).extend(inside)
    if found.keys() == {"train", ""}:
        return {"train": classes}
    if "" in found or found["train"].keys() != classes.keys():
        where = root / next(name for part in ("validation", "test") for name in found.get(part, ()))
        advice = "put the folders of classes into train and test"
        raise DataError(
            f"{where}: expected folders for the parts in every class or in none, found them in some; {advice}"
        )
    return found


class _Table:
    """A table of pictures and labels: its columns and rows, and the pictures by what it may call them.

    That is a path from the table's folder, the name of a file, or that without its ending. ``of_files`` is the column
    that names the most of them, ``named`` how many; DataError if the table cannot be read.
    """

    def __init__(self, table: Path, files: Sequence[Path]) -> None:
        with reading_table(table, "a table of pictures and labels"):
            lines = csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig"), newline=""), strict=True)
            self.columns, *self.rows = [[value.strip() for value in row] for row in lines if row]
            if any(len(row) != len(self.columns) for row in self.rows):
                raise ValueError("its rows have different numbers of values")
        self.places: dict[str, list[Path]] = {}
        for file in files:
            relative = Path(os.path.relpath(file, table.parent))
            for name in {relative.as_posix(), relative.name, relative.with_suffix("").as_posix(), relative.stem}:
                self.places.setdefault(name, []).append(file)
        numbers = [sum(bool(self.at(value)) for value in {*values}) for values in zip(*self.rows, strict=True)]
        self.named = max(numbers, default=0)
        self.of_files = numbers.index(self.named) if numbers else 0

    def at(self, name: str) -> list[Path]:
        """The pictures of a name, which Windows writes with backslashes."""
        return self.places.get(name) or self.places.get(re.sub(r"^(\./)+", "", name.replace("\\", "/")), [])


def _labelled(table: Path, files: Sequence[Path], found: Found, label: str | None) -> Classes:
    """The pictures of each class, as a table of their names and labels says."""
    read = _Table(table, files)
    columns, of_files, names = read.columns, read.of_files, listed(read.columns)
    if not read.named and table in found.tables:
        return {"": [*files]}  # a part of which the table says nothing
    if not read.named:
        expected = f"a column of names of the pictures beside it, such as {files[0].name}"
        raise DataError(f"{table}: expected {expected}, found {names}")
    if read.at(columns[of_files]):
        values = f"values ({names}); add a line such as file,label"
        raise DataError(f"{table}: expected the names of the columns in the first line, found {values}")
    others = {name: i for i, name in enumerate(columns) if i != of_files}
    for name, i in others.items():
        parts = {_part_of(row[i]) for row in read.rows}
        if "" not in parts and parts != {"train"}:
            raise DataError(f"{table}: expected folders for the parts, found column {name}; make train and test")
    of_group = others.pop(found.group or "", None)
    if found.group is not None and (of_group is None or not others or label == found.group):
        raise DataError(f"{table}: expected a column {found.group} of groups beside one of labels, found {names}")
    alone = len(others) == 1 and label is None
    of_labels = others[next(iter(others)) if alone else label_column(table, others, label)]
    labels, missing = dict[Path, str](), set[str]()
    for row in read.rows:
        name, text = row[of_files], composed(row[of_labels])
        held = read.at(name)
        if len(held) > 1:
            raise DataError(f"{table}: expected the path of one picture in each row, found {name}, which several have")
        if not held:
            missing.add(name)
        if held and labels.setdefault(held[0], text) != text:
            raise DataError(f"{table}: expected one label a picture, found {labels[held[0]]} and {text} of {name}")
        of = "" if of_group is None else row[of_group]
        if held and found.group and (not of or found.groups.setdefault(held[0], of) != of):
            raise DataError(f"{table}: expected one {found.group} a picture, found another number of {name}")
    classes: Classes = {}
    for file in files:
        classes.setdefault(labels.get(file, ""), []).append(file)
    found.over[f"pictures without a label in {table.name}"] += len(classes.pop("", ()))
    found.over[".csv files"] -= table not in found.tables
    found.tables[table] = missing & found.tables.get(table, missing)
    return classes


# Pictures

# fmt: off
FORMATS = (
    "AVIF", "BMP", "DDS", "DIB", "GIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI", "SGI", "TGA", "TIFF",
    "WEBP",
)
"""What is read as pictures, by Pillow's names (JPEG includes MPO)."""
ENDINGS = {
    ".apng", ".avif", ".avifs", ".bmp", ".bw", ".dds", ".dib", ".gif", ".icb", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc",
    ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pcx", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".psd",
    ".qoi", ".rgb", ".rgba", ".sgi", ".tga", ".tif", ".tiff", ".vda", ".vst", ".webp",
}
# fmt: on
"""Of the files in these formats, in any case."""
HEIC = {".heic", ".heics", ".heif", ".heifs", ".hif"}
"""The endings of what phones write, which Pillow reads with a package beside it."""
LARGEST_SIDE = 1024
MOST_UNREADABLE = 0.05
PREPARATION = {"upright": "as Exif says", "ground": "white", "crop": "middle", "resize": "bicubic"}
"""How a picture becomes pixels, as a model's file says: a model of pictures prepared in another way is refused."""
_GREY = {"1", "L", "LA", "La"}
_EIGHT_BITS = _GREY | {"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}
_TURNED = range(5, 9)  # Exif orientations that exchange width and height
_AT_A_TIME = 64  # pictures


def read_pictures(
    files: Sequence[Path], image_size: int | None = None, *, skip_unreadable: bool = False
) -> tuple[np.ndarray, Mapping[Path, LinclfError], list[str]]:
    """The pixels of all files that can be read, (n, h, w, c) uint8, those that cannot, and what was done, in sentences.

    A picture is turned as its Exif tag says. What is transparent is composed on white. All are grey (c = 1) if every
    one is, else in colour (c = 3). Of an animated file, or one of several pages, the first picture counts. More than 8
    bits per channel are refused: arrays in an .npz file keep them.

    Args:
        files: pictures in any of ``FORMATS``.
        image_size: crop each picture to its middle square and resize it to this many pixels a side; None takes them as
            they are, all of one size.
        skip_unreadable: leave out those that cannot be read, of which there may be 5 %.

    Raises:
        DataError: naming the first file of another size, or all that cannot be read.
    """
    if image_size is not None and not 1 <= image_size <= LARGEST_SIDE:
        raise ConfigError(f"expected an image size of 1 to {LARGEST_SIDE} pixels, found {image_size}")
    sizes: dict[Path, tuple[int, int]] = {}
    unreadable: dict[Path, LinclfError] = {}
    modes, animated = set(), 0
    for file, seen in zip(files, _of_all(files, _look), strict=True):
        if isinstance(seen, ConfigError):  # a package is missing
            raise seen
        if isinstance(seen, LinclfError):
            unreadable[file] = seen
        else:
            sizes[file], mode, several = seen
            modes.add(mode)
            animated += several
    if not sizes:
        raise _all_of(unreadable)
    first, (width, height) = next(iter(sizes.items()))
    if image_size is not None:
        width = height = image_size
    elif not unreadable or skip_unreadable:
        for file, size in sizes.items():
            if size != (width, height):
                advice = "give an image size (--image-size 32) to crop each picture to its middle square and resize it"
                found = f"{size[0]} x {size[1]}; {advice}"
                raise DataError(f"{file}: expected {width} x {height} pixels as in {first}, found {found}")
    shape = height, width, 1 if modes <= _GREY else 3
    total = len(sizes) * math.prod(shape)
    stored = total if image_size else sum(file.stat().st_size for file in sizes)
    dataset.check_size(f"{len(sizes):,} images such as {first}", total, stored)
    images = np.empty((len(sizes), *shape), np.uint8)
    for pixels, file, picture in zip(images, sizes, prepare_pictures([*sizes], shape), strict=True):
        if isinstance(picture, LinclfError):
            unreadable[file] = picture
        else:
            pixels[:] = picture
    if unreadable and not skip_unreadable:
        raise _all_of(unreadable)
    if len(unreadable) > MOST_UNREADABLE * len(files):
        number = f"{len(unreadable):,} of {len(files):,}"
        raise DataError(f"expected at most 5 % of pictures that cannot be read, found {number}: {_all_of(unreadable)}")
    notes = []
    if image_size:
        originals = sorted((math.prod(size), size) for file, size in sizes.items() if file not in unreadable)
        smallest, largest = (f"{w} x {h}" for _, (w, h) in (originals[0], originals[-1]))
        resized = f"resized to {width} x {height} pixels, from originals of {smallest} to {largest}"
        notes.append(f"Each picture is cropped to its middle square and {resized}.")
    if animated:
        notes.append(f"Of {animated:,} animated files, or of several pages, the first picture counts.")
    return images[[file not in unreadable for file in sizes]] if unreadable else images, unreadable, notes


def _all_of(unreadable: Mapping[Path, LinclfError]) -> LinclfError:
    """One error that names all files, or the first of many, so that nobody meets them one by one."""
    (first, error), *others = unreadable.items()
    if not others:
        return error
    above = os.path.join(first.parent.parent, "")
    names = ", ".join(str(other).removeprefix(above) for other, _ in others[:20])
    more = f", and {len(others) - 20:,} others" if len(others) > 20 else ""
    return DataError(f"{error}; nor can {names}{more} be read; mend or remove them, or --skip-unreadable")


def prepare_pictures(files: Sequence[Path], shape: tuple[int, ...]) -> Iterator[np.ndarray | LinclfError]:
    """The pixels of each file, uint8 of ``shape`` (h, w, c), or what is wrong with it; on all cores.

    A picture of another size is cropped to its largest middle part of these proportions and resized. c is 1 for grey, 3
    for colour.
    """
    return _of_all(files, lambda image: _prepared(image, shape))


def _of_all(files: Sequence[Path], use: Callable[[Any], Made]) -> Iterator[Made | LinclfError]:
    """What ``use`` makes of each picture, or what is wrong with it: in order, on all cores, some at a time.

    Of Pillow's warnings, that of a decompression bomb is an error, and no other is shown.
    """
    from concurrent.futures import ThreadPoolExecutor

    from linclf.system.environment import cores

    try:
        from PIL import Image
    except ImportError:
        raise ConfigError("image files need Pillow: pip install 'linclf[images]'") from None

    def attempt(file: Path) -> Made | LinclfError:
        try:
            with dataset.reading(file, "an image", "decode"), _open(file) as image:
                return use(image)
        except LinclfError as error:
            return error

    with ThreadPoolExecutor(cores()) as pool:
        for i in range(0, len(files), _AT_A_TIME):
            with warnings.catch_warnings():  # not in the threads, which share them
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                made = list(pool.map(attempt, files[i : i + _AT_A_TIME]))
            yield from made


def _look(image: Any) -> tuple[tuple[int, int], str, bool]:
    """(width, height) as a viewer shows it, mode, and whether there are several pictures in the file."""
    width, height = image.size
    turned = image.getexif().get(0x0112) in _TURNED
    return (height, width) if turned else (width, height), image.mode, bool(getattr(image, "is_animated", False))


def _is_deep(image: Any) -> bool:
    """Whether the file stores more than 8 bits where the mode says 8: Pillow would drop the others in silence."""
    stored = [tile[3] for tile in image.tile]
    if image.format == "PPM":  # (mode, maximum value)
        return any(isinstance(value, int) and value > 255 for args in stored for value in (args if args else ()))
    return any(";16" in str(args) for args in stored)


def _prepared(image: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The picture's pixels, upright, on white, cropped and resized; the same pixels if it has this size."""
    from PIL import Image, ImageOps

    height, width, channels = shape
    mode = "L" if channels == 1 else "RGB"
    image.draft(mode, [max(width, height)] * 2)  # a JPEG is decoded at a part of its size, never below this one
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert(mode)
    w = min(image.width, max(1, round(image.height * width / height)))
    h = min(image.height, max(1, round(image.width * height / width)))
    left, top = (image.width - w) // 2, (image.height - h) // 2
    image = image.crop((left, top, left + w, top + h)).resize((width, height))
    return np.asarray(image).reshape(shape)


def _open(file: Path) -> Any:
    """The image in a file, not decoded yet; for use within :func:`.dataset.reading`."""
    from PIL import Image, UnidentifiedImageError

    is_heic = file.suffix.lower() in HEIC
    if is_heic:
        try:
            from pillow_heif import register_heif_opener
        except ImportError:
            advice = "pip install 'linclf[heic]', or convert them to JPEG"
            raise ConfigError(f"{file}: HEIC pictures need pillow-heif: {advice}") from None
        register_heif_opener()
    Image.init()
    # Not every Pillow is built with all formats.
    formats = [name for name in (["HEIF"] if is_heic else FORMATS) if name in Image.OPEN]
    content = file.read_bytes()  # of an open file, Pillow asks for as many bytes as a header may say
    try:
        image: Any = Image.open(io.BytesIO(content), formats=formats)
    except UnidentifiedImageError:
        raise ValueError("of no format that is known") from None
    if image.mode not in _EIGHT_BITS or _is_deep(image):
        found = f"more (mode {image.mode}); convert it first, or save the arrays as .npz, which keeps all bits"
        raise DataError(f"{file}: expected 8 bits per pixel and channel, found {found}")
    sizes = [image.size]
    if image.format == "TIFF":  # decoding makes room for a tile, too
        sizes.append((image.tag_v2.get(322, 1), image.tag_v2.get(323, 1)))
    for width, height in sizes:
        dataset.check_size(str(file), width * height * 3, len(content), _LARGEST_PICTURE)
    return image


_LARGEST_PICTURE = 2**25
"""Bytes of a picture that may be more than a hundred times those of its file; decoding it takes some times as much."""


_OF = "folders of pictures"
OPTIONS = (
    Option("image_size", int, "N", "pixels a side, to which the middle square of each picture is brought", _OF),
    dataset.LABEL,
    dataset.GROUP,
    Option("skip_unreadable", bool, "", "pass over pictures that cannot be read, 5 % at most, and list them", _OF),
)
READER = Reader(
    "a folder of pictures (a folder for each class, or labels.csv)", find, load, OPTIONS, ("PIL",), "photos/"
)

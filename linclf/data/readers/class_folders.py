"""Which picture files are of which class and part, by the folders that they are in, and which are passed over."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from linclf.data.classes import composed
from linclf.data.pictures import ENDINGS, HEIC
from linclf.data.split import PART_NAMES
from linclf.errors import DataError
from linclf.system.files import LOCK

_DEEPEST = 6
_REPORTS = "folders of reports"


@dataclass
class Found:
    """The pictures of each part and class, and how many files were passed over, by reason."""

    parts: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    over: Counter[str] = field(default_factory=Counter)

    def note(self) -> list[str]:
        """What was passed over, as a sentence; none if nothing was."""
        if not self.over:
            return []
        return [f"Passed over: {', '.join(f'{number:,} {reason}' for reason, number in sorted(self.over.items()))}."]


def has_pictures(folder: Path) -> bool:
    """Whether there is any picture in ``folder`` or deeper."""
    return next(pictures(folder, Counter()), None) is not None


def sort_pictures(root: Path) -> Found:
    """The pictures below ``root`` by part and class.

    ``root`` holds folders of the parts (train, val, test, in any case) with a folder for each class in them; or a
    folder for each class. A picture may be deeper within its class. A folder called ``train`` is a class where other
    classes stand beside it. A single folder within ``root`` is looked into.

    Raises:
        DataError: pictures that no folder gives a class, or classes that training does not have.
    """
    found = Found()
    folders = _folders(root)
    while len(folders) == 1 and folders[0].name.lower() not in PART_NAMES and _folders(folders[0]):
        (root,) = folders
        folders = _folders(root)
    splits = {folder: PART_NAMES[folder.name.lower()] for folder in folders if folder.name.lower() in PART_NAMES}
    divided = len(splits) == len(folders) > 0 or any(len(_folders(folder)) > 1 for folder in splits)
    if not divided:
        found.parts["train"] = _classes(root, found)
        return found
    for folder, part in splits.items():
        if part in found.parts:
            raise DataError(f"{folder}: expected one folder for {part}, found another beside it")
        found.parts[part] = _classes(folder, found)
    for folder in set(folders) - set(splits):
        found.over[f"pictures in {folder.name}, beside the folders of the parts"] += len([*pictures(folder, Counter())])
    if "train" not in found.parts:
        raise DataError(f"{root}: expected a folder train beside {', '.join(folder.name for folder in splits)}")
    for part in ("validation", "test"):
        _check_classes(root, found, part)
    return found


def _check_classes(root: Path, found: Found, part: str) -> None:
    """A part without any training class is passed over if its pictures are in no class's folder, else refused."""
    classes, known = found.parts.get(part, {}), found.parts["train"]
    others = [name for name in classes if name not in known]
    if part in found.parts and len(others) == len(classes) <= 1:
        number = sum(map(len, found.parts.pop(part).values()))
        if number:
            found.over[f"pictures for {part} without labels, in no folder of a class"] += number
    elif others:
        folder = classes[others[0]][0].parent
        raise DataError(f"{folder}: expected a class of training, such as {next(iter(known))}, found {others[0]}")


def _classes(folder: Path, found: Found) -> dict[str, list[Path]]:
    """The pictures of each class: of each folder in ``folder``, at any depth."""
    classes: dict[str, list[Path]] = {}
    loose = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if _is_hidden(path.name):
                continue
            if _is_report(path):
                found.over[_REPORTS] += 1
                continue
            over: Counter[str] = Counter()
            files = [*pictures(path, over)]
            if not files and over[_REPORTS]:  # such as reports, in which latest is one
                found.over += over
                continue
            if not files:
                held = f", found only {sum(over.values())} others" if over else ", found none"
                raise DataError(f"{path}: expected image files{held} (pictures end in .png, .jpg and the like)")
            found.over += over
            classes.setdefault(composed(path.name), []).extend(files)
        elif _is_picture(path.name):
            loose.append(path)
        else:
            found.over[_why(path.name)] += 1
    part = PART_NAMES.get(folder.name.lower())
    if loose and not classes and part in ("validation", "test"):
        return {"": loose}
    if loose and not classes:
        raise DataError(
            f"{folder}: expected a folder for each class, found {len(loose):,} pictures in no such folder, such as "
            f"{loose[0].name}: they have no labels"
        )
    if loose:
        found.over["pictures in no folder of a class"] += len(loose)
    if not classes:
        raise DataError(f"{folder}: expected a folder of image files for each class, found none")
    return classes


def _folders(folder: Path) -> list[Path]:
    """The folders in ``folder`` that hold pictures, at any depth."""
    inside = sorted(
        path for path in folder.iterdir() if path.is_dir() and not (_is_hidden(path.name) or _is_report(path))
    )
    return [path for path in inside if has_pictures(path)]


def pictures(folder: Path, over: Counter[str]) -> Iterator[Path]:
    """The pictures in ``folder`` and deeper, in order; other files are counted in ``over``."""
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        inside = sorted(name for name in folders if not _is_hidden(name))
        folders[:] = [name for name in inside if not _is_report(Path(place, name))] if depth < _DEEPEST else []
        if depth < _DEEPEST and len(folders) < len(inside):
            over[_REPORTS] += len(inside) - len(folders)
        for name in sorted(files):
            if _is_picture(name):
                yield Path(place, name)
            else:
                over[_why(name)] += 1


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in ENDINGS | HEIC and not _is_hidden(name)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_report(folder: Path) -> bool:
    """Whether a report is, or is being, written to a folder, or keeps its runs there: they are no data."""
    return (folder / LOCK).exists() or (folder.name == "runs" and (folder.parent / LOCK).exists())


def _why(name: str) -> str:
    return "hidden files" if _is_hidden(name) else f"{os.path.splitext(name)[1].lower() or 'other'} files"

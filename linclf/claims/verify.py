"""``claims.json`` computed again from ``results.json``: anybody can check a report's verdicts."""

import json
import math
import os
from pathlib import Path
from typing import Any

from linclf.errors import ConfigError, DataError
from linclf.studies.results import Results, load_json

from .verdicts import evaluate


def verify(path: str | os.PathLike[str]) -> str:
    """Compute ``claims.json`` again from the ``results.json`` beside it and compare the two.

    Args:
        path: the report's folder, or its ``results.json``.

    Returns:
        One sentence on what was found equal.

    Raises:
        DataError: a file cannot be read, or anything differs; names the first difference. Numbers may differ by a
            billionth, which is how far the sums of two machines drift apart.
        ConfigError: the report makes no claims.
    """
    path = Path(path)
    results = path / "results.json" if path.is_dir() else path
    own = results.parent / "your_data.json"
    if not results.exists() and own.exists():
        raise ConfigError(f"{path}: a report on data of one's own makes no claims to verify; its numbers are in {own}")
    beside = results.parent / "claims.json"
    computed = json.loads(json.dumps(evaluate(Results.load(results))))
    difference = _difference(load_json(beside), computed, "")
    if difference:
        raise DataError(f"{beside} is not what {results} gives: {difference}; make the report again")
    counts = ", ".join(f"{number} {word}" for word, number in computed["counts"].items())
    return f"{beside} follows from {results}: {len(computed['claims'])} claims, {counts}."


def _difference(stored: Any, computed: Any, where: str) -> str | None:
    """The first place at which two JSON values differ."""
    if isinstance(stored, dict) and isinstance(computed, dict):
        if stored.keys() != computed.keys():
            return f"{where or 'the document'} holds {', '.join(stored)} in place of {', '.join(computed)}"
        pairs = [(key, stored[key], computed[key]) for key in computed]
    elif isinstance(stored, list) and isinstance(computed, list):
        if len(stored) != len(computed):
            return f"{where} has {len(stored)} entries in place of {len(computed)}"
        names = [c.get("id", i) if isinstance(c, dict) else i for i, c in enumerate(computed)]
        pairs = list(zip(names, stored, computed, strict=True))
    else:
        numbers = [type(value) in (int, float) for value in (stored, computed)]
        same = math.isclose(stored, computed, rel_tol=1e-9, abs_tol=1e-12) if all(numbers) else stored == computed
        return None if same and numbers[0] == numbers[1] else f"{where} is {stored!r} in place of {computed!r}"
    return next(
        (found for key, a, b in pairs if (found := _difference(a, b, f"{where} {key}".strip()))),
        None,
    )

"""Evaluating claims: the value and interval of each one's statistic, and the verdict that interval and region give."""

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from linclf.errors import ConfigError, DataError
from linclf.studies.reference import title
from linclf.studies.results import FORMAT, Results, load_json

from . import bootstrap, statistics


@cache
def ledger() -> dict[str, Any]:
    """The content of ``ledger.json``: its ``rule`` and its ``claims``."""
    return json.loads((Path(__file__).parent / "ledger.json").read_text(encoding="utf-8"))


VERDICTS = ("reproduced", "refuted", "inconclusive")
WORDS = {
    "l2": "λ",
    "learning_rate": "η",
    "lr_decay": "learning-rate decay",
    "batch_size": "batch size",
    "n_train": "training images",
    "n_validation": "validation images",
    "shuffle": "shuffling",
}
"""What pages call fields of a run."""
_NEEDS = ("data", "seeds")  # of the rule, for a verdict on a statistical claim


@dataclass(frozen=True)
class Region:
    """Where a statistic has to lie: "< x", "> x" (bounds left out), "x to y" or "= x" (bounds included).

    >>> Region.parse("0.5 to 2.5").verdict(0.7, 2.6)
    'inconclusive'
    """

    low: float
    high: float
    open: bool

    @classmethod
    def parse(cls, text: str) -> "Region":
        """The region that ``text`` names; ValueError if it is none."""
        match = re.fullmatch(r"([<>=]) (\S+)|(\S+) to (\S+)", text)
        if match is None:
            raise ValueError(f"expected a region such as '< 0', '= 9' or '0.5 to 2.5', not {text!r}")
        sign, bound, low, high = match.groups()
        if sign is None:
            return cls(float(low), float(high), open=False)
        value = float(bound)
        return cls(-math.inf if sign == "<" else value, math.inf if sign == ">" else value, open=sign != "=")

    def verdict(self, low: float, high: float) -> str:
        """Reproduced if the interval from low to high lies inside, refuted if it lies outside, else inconclusive."""
        if self.open:
            inside, outside = self.low < low and high < self.high, high <= self.low or self.high <= low
        else:
            inside, outside = self.low <= low and high <= self.high, high < self.low or self.high < low
        return "reproduced" if inside else "refuted" if outside else "inconclusive"


def evaluate(results: Results, claims: dict[str, Any] | None = None, only: Sequence[str] = ()) -> dict[str, Any]:
    """Every claim's values, intervals and verdict, as ``claims.json`` holds them.

    A claim of several parts is reproduced if all are, refuted if any is. Where its rule is not met (too few seeds,
    other data, another setting), its verdict is None and ``missing`` says what is missing. Exact statements need no
    seeds, and most of them no CIFAR-10.

    Args:
        results: what a report measured.
        claims: a ledger; the reference's by default.
        only: ids of the claims to evaluate; all by default.

    >>> from tempfile import TemporaryDirectory
    >>> from linclf.studies.reference import ReferenceStudy
    >>> with TemporaryDirectory() as folder:
    ...     results = ReferenceStudy("synthetic:50", folder, epochs=1, progress=False).run("svm")
    >>> evaluate(results, only=["E2"])["claims"][0]["parts"][1]["value"]
    9.0
    """
    claims = claims or ledger()
    rule = claims["rule"]
    records = [_evaluate_claim(results, claim, rule) for claim in claims["claims"] if not only or claim["id"] in only]
    return {
        "format": FORMAT,
        "missing": _missing(results, rule, _NEEDS),
        "counts": {word: sum(record["verdict"] == word for record in records) for word in VERDICTS},
        "claims": records,
    }


def _missing(results: Results, rule: dict[str, Any], needs: Sequence[str]) -> str | None:
    """What verdicts lack that need the rule's data, its seeds or both; or None."""
    lacks = []
    if "data" in needs and results.data["name"] != rule["data"]:
        lacks.append(f"needs {rule['data']} (here: {results.data['name']})")
    seeds = results.seeds
    few = len(seeds) < rule["seeds"]
    if "seeds" in needs and (few or seeds != list(range(rule["first_seed"], rule["first_seed"] + len(seeds)))):
        here = ", ".join(map(str, seeds[:3])) + (" ..." if len(seeds) > 3 else "")
        here = f"seed {here}" if len(seeds) == 1 else f"{len(seeds)} seeds, {here}"
        lacks.append(f"needs {rule['seeds']} seeds, numbered from {rule['first_seed']} (here: {here})")
    return "; ".join(lacks) or None


def _evaluate_claim(results: Results, claim: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    missing, exact = _missing(results, rule, claim.get("needs", _NEEDS)), "needs" in claim
    lacks = [missing] if missing else []
    parts: list[dict[str, Any]] = []
    for test in claim["tests"]:
        for of in test["of"]:
            part = {"measure": test["measure"], "of": of, "region": test["region"]}
            part |= {name: test[name] for name in ("key", "size") if name in test}
            try:
                value, low, high = _measure(results, claim, test, of, rule)
                if exact:  # whatever the number of seeds
                    low = high = value
            except DataError as error:
                value = low = high = None
                if str(error) not in lacks:
                    lacks.append(str(error))
            parts.append(part | {"value": value, "low": low, "high": high, "verdict": None})
    if not lacks:
        for part in parts:
            if part["region"] is not None:
                known = part["low"] is not None and part["high"] is not None
                region = Region.parse(part["region"])
                part["verdict"] = region.verdict(part["low"], part["high"]) if known else "inconclusive"
    found = {part["verdict"] for part in parts} - {None}
    verdict = next((word for word in ("refuted", "inconclusive", "reproduced") if word in found), None)
    about = {key: claim[key] for key in ("id", "section", "where", "figure", "says", "statistic", "unit")}
    return about | {"verdict": verdict, "missing": "; ".join(lacks) or None, "parts": parts}


def _measure(
    results: Results, claim: dict[str, Any], test: dict[str, Any], of: str, rule: dict[str, Any]
) -> tuple[float | None, float | None, float | None]:
    """Value and interval of one part; None for what is no finite number, or with one seed no interval."""
    fields = {key: value for key, value in test.items() if key not in ("measure", "of", "region")}
    if test["measure"] == "recorded":  # an exact statement: a number that does not depend on seeds
        try:
            value = float(results.document["exact"][claim["id"]][of])
        except KeyError:
            raise DataError(f"statement {claim['id']} was not checked") from None
        return value, value, value
    left, sign, right = terms(of)
    measure = getattr(statistics, test["measure"])
    columns = []
    for arm, setting in left + right:
        printed = rule["settings"][str(setting)] | rule["every_run"]
        if test["measure"] == "differs_from_print":
            fields = {"printed": printed}
        else:  # every other claim is about runs as printed
            _check_runs(results, arm, setting, printed | rule["arms"][arm])
        columns.append(np.asarray(measure(results, arm, setting, **fields), dtype=np.float64))

    def reduce(means: np.ndarray) -> np.ndarray:
        first = means[..., 0]
        if not right:
            return first
        other = means[..., 1:].max(axis=-1)
        return first - other if sign == "-" else first / other

    low = high = math.nan
    with np.errstate(divide="ignore", invalid="ignore"):  # of a ratio to 0
        value = float(reduce(np.array([column.mean() for column in columns])))
        if len(columns[0]) > 1:
            images = claim["resample"] == "seeds and images"
            low, high = bootstrap.interval(columns, reduce, images=images, confidence=rule["confidence"])
    finite = [number if math.isfinite(number) else None for number in (value, low, high)]
    return finite[0], finite[1], finite[2]


def terms(of: str) -> tuple[list[tuple[str, int]], str | None, list[tuple[str, int]]]:
    """What a test is taken of, such as "full 2 - base 2", as arms and settings, with the sign between them.

    The right side may name several settings, of which the max counts.

    >>> terms("svm 4 - svm 1,2")
    ([('svm', 4)], '-', [('svm', 1), ('svm', 2)])
    """
    left, sign, right = re.fullmatch(r"(\w+ \d+)(?: ([-/]) (\w+ \d+(?:,\d+)*))?", of).groups()  # type: ignore[union-attr]
    named = []
    for side in (left, right):
        arm, _, settings = (side or "").partition(" ")
        named.append([(arm, int(setting)) for setting in settings.split(",") if setting])
    return named[0], sign, named[1]


def _check_runs(results: Results, arm: str, setting: int, wanted: dict[str, Any]) -> None:
    """DataError unless an arm and setting ran for every seed, with the fields ``wanted``."""
    runs = results.runs(arm, setting)
    if [run["seed"] for run in runs] != results.seeds:
        raise DataError(f"needs {title(arm)} with every seed")
    for name, value in wanted.items():
        for run in runs:
            if run[name] != value:
                raise DataError(f"needs {WORDS.get(name, name)} = {value} ({title(arm)} has {run[name]})")


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

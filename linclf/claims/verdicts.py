"""The ledger of claims: their statistics and intervals, the verdicts that their regions give, and `linclf verify`.

A verdict answers whether the experiment would say this again. Drawn is what neither the assignment nor the reference
fixes: seeds and, for losses on the 1,000 images that the full split keeps, these images. Beside claims on accuracy
stands, without a verdict, whether they hold on other test images too.
"""

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from linclf.errors import ConfigError, DataError
from linclf.studies.reference import title
from linclf.studies.results import FORMAT, Results, load_json

from . import bootstrap, ceiling, statistics

KINDS = ("claims", "checks", "judgements")
"""Kinds of records in the ledger: statements of the reference, checks of this code, and judgements of size."""
VERDICTS = ("reproduced", "refuted", "inconclusive")
ELSEWHERE = {"reproduced": "holds", "refuted": "fails", "inconclusive": "unclear"}
"""Words for the same region on other test images, by the verdict of the interval over seeds and images."""
AT_BOUND = 0.9
"""Share of the seeds that reach a bound named in the ledger, in both arms, from which a statistic judges nothing."""
NEAR = 0.3
"""Points between an interval's end and its region's bound within which another copy of the images may decide."""
WORDS = {
    "l2": "λ",
    "learning_rate": "η",
    "lr_decay": "learning-rate decay",
    "batch_size": "batch size",
    "n_train": "training images",
    "n_validation": "validation images",
    "shuffle": "shuffling",
}
"""Names of a run's fields on pages."""


@cache
def ledger() -> dict[str, Any]:
    """The content of ``ledger.json``: ``rule``, the reference's ``figures``, ``claims``, ``checks``, ``judgements``."""
    return json.loads((Path(__file__).parent / "ledger.json").read_text(encoding="utf-8"))


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
        """Parse a region such as "< 0"; ValueError for other text."""
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

    def ends_near(self, low: float, high: float) -> bool:
        """Whether an end of the interval is within ``NEAR`` of a bound."""
        return any(abs(end - bound) <= NEAR for end in (low, high) for bound in (self.low, self.high))


def evaluate(results: Results, claims: dict[str, Any] | None = None, only: Sequence[str] = ()) -> dict[str, Any]:
    """Every claim's values, intervals and verdict, as ``claims.json`` holds them.

    A claim of several parts is reproduced if all are, refuted if any is. Where its rule is not met (too few seeds,
    other data, another setting), its verdict is None and ``missing`` says what is missing. Checks need no seeds, and
    most of them no CIFAR-10; they are counted apart, and judgements, which have no region, not at all.

    Args:
        results: what a report measured.
        claims: a ledger; the reference's by default.
        only: ids of what to evaluate; all by default.

    >>> from tempfile import TemporaryDirectory
    >>> from linclf.studies.reference import ReferenceStudy
    >>> with TemporaryDirectory() as folder:
    ...     results = ReferenceStudy("synthetic:50", folder, epochs=1, progress=False).run("svm")
    >>> evaluate(results, only=["E2"])["checks"][0]["parts"][1]["value"]
    9.0
    """
    claims = claims or ledger()
    records = {
        kind: [_evaluate(results, claim, claims["rule"]) for claim in claims[kind] if not only or claim["id"] in only]
        for kind in KINDS
    }
    verdicts = [record["verdict"] for record in records["claims"]]
    counts = {word: verdicts.count(word) for word in VERDICTS}
    return {"format": FORMAT, "missing": _missing(results, claims["rule"]), "counts": counts, **records}


def _missing(results: Results, rule: dict[str, Any], needs: Sequence[str] = ("data", "seeds")) -> str | None:
    """The conditions of the rule, on data and seeds, that the results do not meet, in words; None if they meet all."""
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


def _evaluate(results: Results, claim: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    """The record of a claim, check or judgement."""
    exact = "needs" in claim  # whatever the number of seeds
    missing = _missing(results, rule, claim["needs"]) if exact else _missing(results, rule)
    lacks = [missing] if missing else []
    for name, printed in claim.get("printed", {}).items():  # what a user chooses refutes nothing
        chosen = results.document.get("plan", {}).get(name, printed)
        if chosen != printed:
            lacks.append(f"not as printed: {chosen} {WORDS.get(name, name)}")
    parts, decisive = [], any(test["region"] for test in claim["tests"])
    for test in claim["tests"]:
        for of in test["of"]:
            part = {"measure": test["measure"], "of": of, "region": test["region"]}
            part |= {name: test[name] for name in ("key", "size") if name in test}
            numbers: dict[str, Any] = {"value": None, "low": None, "high": None, "verdict": None}
            try:
                numbers |= _measure(results, claim, test, of, rule)
            except DataError as error:
                if str(error) not in lacks and (test["region"] or not decisive):  # what is shown beside may be missing
                    lacks.append(str(error))
            parts.append(part | numbers)
    for part in parts if not lacks else ():
        _judge(part)
    verdict = _worst([part["verdict"] for part in parts], VERDICTS)
    about = {key: claim[key] for key in ("id", "section", "where", "figure", "says", "statistic", "unit")}
    about["note"] = claim.get("note")
    marks = _marks(results, claim, parts) if verdict else []
    elsewhere = _worst([part.get("elsewhere") for part in parts], tuple(ELSEWHERE.values()))
    return about | {
        "verdict": verdict, "elsewhere": elsewhere, "marks": marks, "missing": "; ".join(lacks) or None, "parts": parts,
    }  # fmt: skip


def _judge(part: dict[str, Any]) -> None:
    """Set a part's verdict, and whether it holds on other test images."""
    if part["region"] is None:
        return
    region = Region.parse(part["region"])
    known = part["low"] is not None and part["high"] is not None and "reason" not in part
    part["verdict"] = region.verdict(part["low"], part["high"]) if known else "inconclusive"
    if "others" in part:
        part["elsewhere"] = ELSEWHERE[region.verdict(*part["others"])]


def _worst(words: Sequence[str | None], order: Sequence[str]) -> str | None:
    """The verdict of a whole by those of its parts; ``order``: the words for all, any, and neither."""
    every, some, unclear = order
    return next((word for word in (some, unclear, every) if word in words), None)


def _marks(results: Results, claim: dict[str, Any], parts: Sequence[dict[str, Any]]) -> list[str]:
    """Why a verdict may flip: earlier runs that the ledger names, or another copy of the images.

    A part that is refuted, and surely so, refutes the claim whatever the others do.
    """
    marks = [claim["unsteady"]] if "unsteady" in claim else []
    near = [part for part in parts if part["measure"] == "accuracy" and part["verdict"] and part["low"] is not None]
    near = [part for part in near if Region.parse(part["region"]).ends_near(part["low"], part["high"])]
    settled = any(part["verdict"] == "refuted" and part not in near for part in parts)
    if near and not settled and results.data.get("official") is not True:
        marks.append(f"may depend on the copy of the images: an interval ends within {NEAR} points of its bound")
    return marks


def _measure(
    results: Results, claim: dict[str, Any], test: dict[str, Any], of: str, rule: dict[str, Any]
) -> dict[str, Any]:
    """Value and interval of one part; None where a number is not finite, or one seed gives no interval.

    Also the interval over seeds and test images of an accuracy ("others"), and why a statistic judges nothing
    ("reason").
    """
    if test["measure"] == "recorded":  # a check: a number that does not depend on seeds
        try:
            value = float(results.document["exact"][claim["id"]][of])
        except KeyError:
            raise DataError(f"statement {claim['id']} was not checked") from None
        return {"value": value, "low": value, "high": value}
    left, sign, right = terms(of)
    columns = [_column(results, test, arm, setting, rule) for arm, setting in left + right]
    reduce = _reduction(sign)
    accuracy = test["measure"] == "accuracy"  # whose test images the assignment fixes
    drawn = [column.mean(axis=1) for column in columns] if accuracy else columns
    confidence, low, high = rule["confidence"], math.nan, math.nan
    with np.errstate(divide="ignore", invalid="ignore"):  # of a ratio to 0
        value = float(reduce(np.array([column.mean() for column in columns])))
        if several := len(columns[0]) > 1:
            images = any(column.ndim == 2 for column in drawn)
            low, high = bootstrap.interval(drawn, reduce, images=images, confidence=confidence)
        numbers: dict[str, Any] = {
            name: number if math.isfinite(number) else None
            for name, number in (("value", value), ("low", low), ("high", high))
        }
        if accuracy and several:
            numbers["others"] = list(bootstrap.interval(columns, reduce, images=True, confidence=confidence))
    if "needs" in claim:
        numbers |= {"low": numbers["value"], "high": numbers["value"]}
    if right and "bound" in test:
        reached = np.mean([column == test["bound"] for column in columns], axis=1)
        if reached.min() >= AT_BOUND:
            numbers["reason"] = f"at its bound, {test['bound']}, in both arms: it cannot tell them apart"
    return numbers


def _column(results: Results, test: dict[str, Any], arm: str, setting: int, rule: dict[str, Any]) -> np.ndarray:
    """A measure of an arm and setting: a number per seed, or per seed and image where images are drawn."""
    printed = rule["settings"][str(setting)] | rule["every_run"]
    fields = {key: value for key, value in test.items() if key not in ("measure", "of", "region", "bound", "drawn")}
    if test["measure"] == "differs_from_print":
        fields = {"printed": printed}
    else:  # every other claim is about runs as printed
        _check_runs(results, arm, setting, printed | rule["arms"][arm])
    column = np.asarray(getattr(statistics, test["measure"])(results, arm, setting, **fields), dtype=np.float64)
    if arm not in test.get("drawn", ()):
        return column
    losses = statistics.held_out_loss(results, arm, setting)
    return column[:, None] + losses - losses.mean(axis=1, keepdims=True)  # the mean stays the measure's, to the bit


def _reduction(sign: str | None) -> Callable[[np.ndarray], np.ndarray]:
    """From the columns' means, (..., k), to the statistic: the first, less or over the greatest of the others."""
    if sign is None:
        return lambda means: means[..., 0]
    combine = {"-": np.subtract, "/": np.divide}[sign]
    return lambda means: np.asarray(combine(means[..., 0], means[..., 1:].max(axis=-1)))


def terms(of: str) -> tuple[list[tuple[str, int]], str | None, list[tuple[str, int]]]:
    """Parse the ``of`` of a test, such as "full 2 - base 2": (arm, setting) pairs left and right, and the sign.

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
    """Compute ``claims.json`` again from the ``results.json`` beside it, and section 3's numbers, and compare.

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
    yours = results.parent / "your_data.json"
    if not results.exists() and yours.exists():
        raise ConfigError(
            f"{path}: a report on data of one's own makes no claims to verify; its numbers are in {yours}"
        )
    beside, loaded = results.parent / "claims.json", Results.load(results)
    if loaded.document["format"] != FORMAT:
        raise DataError(
            f"{results}: linclf {loaded.version} made it, whose rule for verdicts was another: verify it with that "
            "version, or make the report again"
        )
    computed = evaluate(loaded)
    _compare(load_json(beside), computed, f"{beside} is not what {results} gives")
    counts = ", ".join(f"{number} {word}" for word, number in computed["counts"].items())
    said = f"{beside} follows from {results}: {len(computed['claims'])} claims, {counts}; {checks_in_words(computed)}."
    section_3 = results.parent / "ceiling.json"
    return f"{said} {_verify_section_3(section_3)}" if section_3.exists() else said


def _verify_section_3(path: Path) -> str:
    """Compute the numbers of ``ceiling.json`` again from its records; a sentence, or DataError."""
    document = load_json(path)
    try:
        if document["format"] != FORMAT:
            raise DataError(f"{path}: another version of linclf made it: make section 3 again, with --ceiling")
        computed = ceiling.numbers(document)
        _compare(document["numbers"], computed, f"{path}: its numbers are not what its records give")
    except DataError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: expected the records of section 3, could not read them ({error!r})") from None
    return f"The {2 * len(computed['gains'])} gains and {len(computed['tested'])} accuracies in {path} follow from it."


def _compare(stored: Any, computed: Any, problem: str) -> None:
    """DataError with the first difference between what a file holds and what was computed again."""
    if difference := _difference(stored, json.loads(json.dumps(computed)), ""):
        raise DataError(f"{problem}: {difference}; make the report again")


def checks_in_words(evaluated: dict[str, Any]) -> str:
    """How many of the checks of this project's code hold, as "4 of 4 checks hold", and how many were not made."""
    verdicts = [record["verdict"] for record in evaluated["checks"]]
    made = len(verdicts) - verdicts.count(None)
    left = f" ({len(verdicts) - made} of {len(verdicts)} do not apply here)" if made < len(verdicts) else ""
    return f"{verdicts.count('reproduced')} of {made} checks hold{left}"


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
        if same and numbers[0] == numbers[1]:
            return None
        words = (f"{value!r:.80}" if isinstance(value, dict | list) else repr(value) for value in (stored, computed))
        return f"{where} is {' in place of '.join(words)}"
    return next((first for key, a, b in pairs if (first := _difference(a, b, f"{where} {key}".strip()))), None)

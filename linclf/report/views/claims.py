"""Views of the reference's claims: what it says, what was found here, and the verdict."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from markupsafe import Markup

from linclf.claims.bootstrap import interval
from linclf.claims.verdicts import KINDS, WORDS, Region, checks_in_words, evaluate, terms
from linclf.report.pages import PAGES, SECTION_PAGES, page_file
from linclf.studies.reference import ARMS, SETTINGS, title
from linclf.studies.results import Results

from . import html, plots, provenance, reference

_FIRST = ("refuted", "inconclusive", None, "reproduced")
"""The order in which the first page lists verdicts."""
_WORDS = WORDS | {
    "draws_below": "share below in draws of",
    "rising": "epochs that rise",
    "train_loss": "training loss",
    "in_both": "images in both",
    "held_out_loss": "both on the same images",
}
"""Names of measures and numbers on pages; others are their name with spaces."""


@lru_cache(maxsize=1)
def all_claims(results: Results) -> dict[str, Any]:
    """Every claim's verdict, once for a page that shows them in several ways: ten seeds' intervals take seconds."""
    return evaluate(results)


def claims(results: Results, *ids: str) -> html.Output | None:
    """A table of claims with their numbers here and their verdicts; all claims if no id is given.

    On other data than CIFAR-10 there is nothing to compare: no table, and in place of the whole one a note. On the
    surrogate of CIFAR-10 exact statements alone have a row, and a sentence says where the others would stand.
    """
    if _on_other_data(results):
        said = "What the reference says is about CIFAR-10; it is not compared with other data."
        return None if ids else html.callout(said)
    evaluated = evaluate(results, only=ids) if ids else all_claims(results)
    comparable = provenance.is_the_references(results.data["name"])
    records = [record for kind in KINDS for record in evaluated[kind]]
    checks = [record["id"] for record in evaluated["checks"]]
    shown = [claim for claim in records if comparable or claim["verdict"]]
    if not ids:
        shown.sort(key=lambda claim: _FIRST.index(claim["verdict"]))
    rest = ", ".join(claim["id"] for claim in records if claim not in shown)
    elsewhere = f"Made on CIFAR-10 with ten seeds, this page compares here with what the reference says: {rest}."
    if not shown:
        return html.callout(elsewhere)
    rows = {}
    for claim in shown:
        # What all verdicts lack stands above the table, not in each row.
        lacks = (claim["missing"] or "").removeprefix(evaluated["missing"] or "").removeprefix("; ")
        found = [_part(part, claim) for part in claim["parts"] if not lacks or part["value"] is not None]
        found += [Markup("<div>{}</div>").format(text) for text in (lacks, *_remarks(claim)) if text]
        figure, page = claim["figure"], SECTION_PAGES[claim["section"]]
        anchor = f"#figure-{figure}" if figure else f"#claim-{claim['id']}"
        rows[claim["id"]] = (
            Markup('{}<br><a href="{}">here: {}</a>').format(
                _where(claim),
                anchor if ids else page_file(page) + anchor,
                f"figure {figure}" if figure else PAGES[page].title,
            ),
            Markup("{}<br><small>{}</small>").format(claim["says"], claim["statistic"].replace(" - ", " − ")),
            Markup().join(found),
            html.verdict(claim["verdict"], check=claim["id"] in checks),
        )
    caption = (
        "Dot and line: value and 95 % interval; shaded: where the claim holds. Intervals are for the mean over seeds "
        "(and held-out sets), not for one run."
    )
    if rest:
        caption = elsewhere
    elif len(shown) == len(checks):
        caption = "Checks of this project's own code; they need no seeds, and are counted apart from the claims."
    elif any(claim["missing"] for claim in shown):
        caption = f"Values without a verdict: that {evaluated['missing']}."
    return html.claims(rows, caption=caption)


def _remarks(claim: dict[str, Any]) -> list[str]:
    """Notes beneath a claim's numbers: other test images, why its verdict may flip, what its test leaves out."""
    elsewhere = f"On other test images: {claim['elsewhere']}." if claim["elsewhere"] else ""
    marks = [f"This verdict may flip: {mark}." for mark in claim["marks"]]
    return [text for text in (elsewhere, *marks, claim["note"]) if text]


def _where(claim: dict[str, Any]) -> str:
    """Where the reference says it: its section, and its figure if the claim is about one."""
    where = str(claim["where"])
    if not where.startswith("fig."):
        return f"section {where}" if where[0].isdigit() else where
    numbers = where.removeprefix("fig. ").replace(", ", " and ")
    return f"section {claim['section']}, figure{'s' * (' and ' in numbers)} {numbers}"


def changes(results: Results, **said: str) -> html.Output:
    """A list with one line per section: how its arm changes test accuracy and, on CIFAR-10, what the reference says.

    ``said`` are the reference's words by arm; the section is the first that shows the arm.
    """
    comparable, lines = provenance.is_the_references(results.data["name"]), []
    for arm, words in said.items():
        name = next(name for name in SECTION_PAGES.values() if arm in PAGES[name].arms)
        points = ", ".join(reference.difference(results, arm, "base", setting) for setting in SETTINGS)
        lines.append(f"- [{PAGES[name].title}]({page_file(name)}): {points}{f' ({words})' if comparable else ''}.")
    return html.prose("\n".join(lines))


def counts(results: Results) -> html.Output | None:
    """The report's answer in one sentence: how many claims are reproduced, refuted, inconclusive; on CIFAR-10."""
    if _on_other_data(results):
        return None
    evaluated = all_claims(results)
    total = len(evaluated["claims"])
    if evaluated["missing"]:
        return html.callout(
            f"The reference makes {total} statements that can be measured; a verdict on them {evaluated['missing']}. "
            f"Of this project's own code, {checks_in_words(evaluated)}.",
            kind="warning",
        )
    return html.counts(
        {word: str(number) for word, number in evaluated["counts"].items()},
        f"of {total} measurable statements; beside them, {checks_in_words(evaluated)}",
    )


def _on_other_data(results: Results) -> bool:
    """Whether nothing of the reference's belongs here; the surrogate of CIFAR-10 shows how all of it looks."""
    return not provenance.is_the_references(results.data["name"]) and not results.data["synthetic"]


def _part(part: dict[str, Any], claim: dict[str, Any]) -> str:
    """One number of a claim with its interval and its region, as markup."""
    several = len({(test["measure"], test.get("key"), test.get("size")) for test in claim["parts"]}) > 1
    words = [
        _WORDS.get(part[key], str(part[key]).replace("_", " "))
        for key in ("measure", "key", "size")
        if several and key in part
    ]
    label = ", ".join(filter(None, [" ".join(words), _label(part["of"])]))
    if part["value"] is None:
        return Markup("<div>{}: no finite number</div>").format(label)
    value, low, high = part["value"], part["low"], part["high"]
    width = None if low is None or math.isclose(low, high, rel_tol=1e-6) else high - low
    ends = f" ({_digits(low, width)} to {_digits(high, width)})" if width else ""
    text = f"{label}: {_digits(value, width)}{ends}{claim['unit'] and ' '}{claim['unit']}"
    text = text.replace(" -", " −").replace("(-", "(−").replace("e-", "e−")
    if part["region"] is None:
        return Markup("<div>{}, shown beside</div>").format(text)
    text += f", {part['reason']}" if "reason" in part else ""
    region = Region.parse(part["region"])
    said, bounds = f"{text}; region {part['region']}", (region.low, region.high)
    picture = html.against_region(value, low, high, bounds, said) if width else ""
    said = part["region"].replace("-", "−").replace(" ", "\xa0")
    return Markup("<div>{} {}; region&nbsp;{}</div>").format(picture, text, said)


def _label(of: str) -> str:
    """The arms and settings of a part of a claim, in words.

    >>> _label("full 2 - base 2"), _label("svm 4 - svm 1,2,3"), _label("loss_at_zero")
    ('setting 2, all batches − baseline', 'SVM, setting 4 − greatest of 1, 2, 3', 'loss at zero')
    """
    if not of[-1].isdigit():
        return _WORDS.get(of, of.replace("_", " "))
    ((arm, setting),), sign, right = terms(of)
    if not right:
        return f"{title(arm)}, setting {setting}"
    sign = {"-": "−"}.get(str(sign), sign)
    if right[0][0] != arm:
        return f"setting {setting}, {title(arm)} {sign} {title(right[0][0])}"
    others = ", ".join(str(other) for _, other in right)
    return f"{title(arm)}, setting {setting} {sign} {'greatest of ' if len(right) > 1 else ''}{others}"


def _digits(number: float, width: float | None) -> str:
    """A number with the digits that are meaningful for an interval of that width; three without an interval."""
    if width is None:
        return f"{number:,.0f}" if number == int(number) else f"{number:.3g}"
    digits = min(max(0, 1 - math.floor(math.log10(width))), 6)
    return f"{round(number, digits) + 0.0:.{digits}f}"  # + 0.0: nothing is minus zero


SHOWN = ("base", "full", "decay", "shuffle", "svm")
"""The arm that each section of the reference is about."""


@html.own_settings()
def picture(results: Results, *, number: int | str) -> html.Output:
    """Test accuracy of every section in each setting and, on CIFAR-10, what the reference prints, as a numbered figure.

    With ten seeds on CIFAR-10 its title counts the verdicts.
    """
    found = {arm: [_with_interval(results, arm, setting) for setting in SETTINGS] for arm in SHOWN}
    series = [(ARMS[arm].title, numbers) for arm, numbers in found.items()]
    names = [reference.setting_name(setting).replace(" (", "\n").rstrip(")") for setting in SETTINGS]
    axes = plots.intervals(names, series)
    counts, printed = counted(results), ""
    if provenance.is_the_references(results.data["name"]):
        printed = " Diamonds: what the reference prints, for the SVM alone."
        at = plots.heights(len(SETTINGS), len(SHOWN), len(SHOWN))  # beneath those of the SVM here, which it would hide
        svm = list(reference.REFERENCE_SVM.values())
        axes.plot(svm, at, "D", ms=9, mec=html.INK, mfc="none", label="SVM, in the reference")
    axes.set_xlabel(f"test accuracy on {results.data['name']}, %")
    axes.set_title(counts.replace(", ", ",\n", 1), loc="left", fontweight="bold")
    plots.legend_below(axes)
    over = "seeds and test images" if len(results.seeds) > 1 else "test images; there is one seed"
    return html.figure(
        axes.figure,
        number=number,
        caption="Test accuracy in each section and setting, trained on all batches in section 1.1 and else on batch 1, "
        f"with 95 % intervals over {over}.{printed}",
        alt=f"{f'{counts}. ' if counts else ''}Test accuracy: {_in_words(found)}.",
        data={"setting": list(SETTINGS)} | plots.interval_columns([(f"{title}, %", of) for title, of in series]),
    )


def counted(results: Results) -> str:
    """How many of the reference's statements got which verdict, in a few words; empty where most can get none."""
    evaluated = all_claims(results)
    if evaluated["missing"]:
        return ""
    reproduced, *others = (f"{number} {word}" for word, number in evaluated["counts"].items())
    total = len(evaluated["claims"])
    return ", ".join([reproduced.replace(" ", f" of {total} statements "), *others])


def _with_interval(results: Results, arm: str, setting: int) -> tuple[float, float, float]:
    """Test accuracy in percent, mean over seeds, and its interval."""
    right = 100.0 * results.correct(arm, setting)
    low, high = interval([right], lambda means: means[..., 0], images=True)
    return float(right.mean()), low, high


def _in_words(found: dict[str, list[tuple[float, float, float]]]) -> str:
    """The accuracies of each setting as a text for whoever does not see them."""
    values = np.array([[value for value, *_ in intervals] for intervals in found.values()]).T
    return "; ".join(
        f"setting {setting} from {of.min():.1f} % ({ARMS[SHOWN[of.argmin()]].title}) to {of.max():.1f} % "
        f"({ARMS[SHOWN[of.argmax()]].title})"
        for setting, of in zip(SETTINGS, values, strict=True)
    )

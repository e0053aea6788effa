"""The ledger: what the reference claims, and the rule under which a claim gets a verdict.

``ledger.json`` holds a record per claim. Each of its tests names a measure of ``statistics``, what it is taken of, and
the region where the claim holds. An exact statement says what of the rule it ``needs``; every other claim needs its
"data" and its "seeds". A new claim is a new record and, where no measure fits, a new function there.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def ledger() -> dict[str, Any]:
    """The content of ``ledger.json``: its ``rule`` and its ``claims``."""
    return json.loads((Path(__file__).parent / "ledger.json").read_text(encoding="utf-8"))

"""The ledger: what the reference claims, and the rule under which a claim gets a verdict.

``ledger.json`` holds a record per claim. Each of its tests names a measure of ``statistics``, what it is taken of, and
the region where the claim holds. A new claim is a record, and a function where no measure fits.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def ledger() -> dict[str, Any]:
    """The reference's claims and the rule under which they get a verdict."""
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "ledger.json").read_text(encoding="utf-8"))
    return loaded

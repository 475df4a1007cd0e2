"""Which code made the kept figures, and whether the code that is here now gives the same.

Measuring anew takes an hour or more, and most changes of the code change no figure. So a kept
document names the fingerprint of the code that made it, and ``python -m analytics.quality check``
runs a seeded part of it again with the code that is here now and writes down what came of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analytics.computing.fingerprint import code
from analytics.measured.published import RESULTS
from analytics.measured.rows import Check

MODULES = {
    "detectors": "analytics.quality.detection",
    "intervals": "analytics.quality.intervals",
    "forecasts": "analytics.quality.intervals",
    "battery": "analytics.quality.battery",
    "gate": "analytics.quality.gate_years",
    "candidates": "analytics.quality.candidates",
    "null_candidates": "analytics.quality.candidates",
    "real_runs": "analytics.quality.real_runs",
    "cheaper_gold": "analytics.quality.cheaper_gold",
    "anchors": "analytics.quality.anchors",
    "alerts": "analytics.quality.alert_weeks",
    "paid_for": "analytics.quality.paid_for",
    "shortcuts": "analytics.quality.shortcuts",
}
"""What measures each topic: its code and all that it imports make the figures."""
CHECKS = "checks.json"


def code_of(topic: str) -> str:
    """Fingerprint of the code that would make a topic's figures now."""
    return code(MODULES[topic])


def made(topic: str, kept: Mapping[str, Any], checks: Mapping[str, Any] | None = None) -> str:
    """When, how and by which code a kept document was made, as sentences.

    document: the document; checks: what `checked` has found, None = as it is kept.
    """
    now = code_of(topic)
    current = kept.get("code") == now
    by = "the code that is here now" if current else "an earlier version of the code"
    sentence = (
        f"Measured on {kept['made']} with seed {kept['seed']}, {kept['runs_per_class']} runs of "
        f"each kind, by {by} (fingerprint {kept.get('code', 'not known')})"
    )
    if not current:
        sentence += (
            f"; {_check_words((kept_checks() if checks is None else checks).get(topic), kept, now)}"
        )
    return (
        f"{sentence}. Repeat: python -m analytics.quality {topic} --runs {kept['runs_per_class']} "
        f"--seed {kept['seed']}."
    )


def made_by(topic: str, kept: Mapping[str, Any]) -> str:
    """When and by which code a document was made whose runs are kept, not drawn anew."""
    now = code_of(topic)
    by = (
        "the code that is here now" if kept.get("code") == now else "an earlier version of the code"
    )
    sentence = f"Measured on {kept['made']} by {by} (fingerprint {kept.get('code', 'not known')})"
    if kept.get("code") != now:
        sentence += f"; {_check_words(kept_checks().get(topic), kept, now)}"
    return f"{sentence}."


def _check_words(check: Mapping[str, Any] | None, kept: Mapping[str, Any], now: str) -> str:
    if check is None or (check["code"], check["of"]) != (now, kept.get("code")):
        return f"what the code that is here now ({now}) would give has not been checked"
    part = f"{check['again']} of its {len(kept['rows'])} rows again on {check['at']}"
    came = "and gave the same figures"
    if check["differ"]:
        came = f"and gave other figures in {check['differ']} of them"
    return f"the code that is here now ({now}) made {part} {came}"


def checked(
    topic: str, kept: Mapping[str, Any], again: Callable[[int, int], Sequence[Mapping[str, object]]]
) -> Check:
    """What came of making a part of a kept document again: rows made, rows that differ.

    again: makes rows from the number of runs of each class and the seed.
    """
    rows = json.loads(json.dumps(again(kept["runs_per_class"], kept["seed"])))
    return {
        "code": code_of(topic),
        "of": kept.get("code"),
        "at": time.strftime("%Y-%m-%d"),
        "again": len(rows),
        "differ": sum(row not in kept["rows"] for row in rows),
    }


def keep_check(topic: str, check: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Write down what a check found, beside the document."""
    checks = kept_checks(folder) | {topic: dict(check)}
    (folder / CHECKS).write_text(json.dumps(checks, indent=1) + "\n")


def kept_checks(folder: Path = RESULTS) -> dict[str, Check]:
    """The last check of each topic."""
    file = folder / CHECKS
    checks: dict[str, Check] = json.loads(file.read_text()) if file.exists() else {}
    return checks

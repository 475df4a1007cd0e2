"""How good what is said of length, of the judge and without gold is: measured, failures first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analytics.measured.published import published
from analytics.paid_for.signal_words import SIGNALS, why_not
from analytics.paid_for.signals import NULLS, failed, measured, shipped
from analytics.quality.made import made
from analytics.quality.paid_for import named_of, of_text
from analytics.quality.signals_tried import ends
from analytics.wording import count, whole
from pages.shared.quality.quality_cells import evidence
from pages.shared.tables import show_table

Rows = Sequence[Mapping[str, Any]]
_OF = {"diagnosis": "simulated: ", "genuine diagnosis": "genuine trainings: "}


def show_paid_for() -> None:
    """Signals without gold with their errors, those not used first; intervals and diagnoses."""
    measured = published("paid_for")
    if measured is None:
        return
    rows = measured["rows"]
    found = [row for row in rows if row["kind"] == "signal"]
    used = [row for row in found if shipped(row)]
    tried = [row for row in found if failed(row)]
    part = evidence(
        "Signals without gold, length, the judge",
        f"{count(len(used), 'signal')} in use (wrong on at most 5 % of healthy trainings), "
        f"{whole(len(tried))} tried and not used, the error of the other "
        f"{whole(len(SIGNALS) - len(used) - len(tried))} is not known",
    )
    show_table(signal_table(rows), part, hide_index=True)
    show_table(_simulated(rows), part, hide_index=True)
    show_table(_named(rows), part, hide_index=True)
    show_table(_coverage(rows), part, hide_index=True)
    show_table(_diagnoses(rows), part, hide_index=True)
    rival = next(row for row in rows if row["kind"] == "rival")
    part.caption(
        f"As a rival explanation, entropy is called collapsed in "
        f"{of_text(rival, 'false', 'healthy')} healthy trainings, asked in the third quarter of "
        "their steps. "
        "Signals: on the genuine trainings of small models, healthy or falling by measured truth; "
        "their thresholds were chosen after seeing these, so the rates are optimistic. "
        "What needs responses was asked of some of them, trained again, with responses kept and "
        "no gold; four reward models taught alike were their ensemble, another one the second "
        "reward. What is named: the word that labellers of some proxies were made to prefer is "
        "quoted; else, of responses to one prompt, those with the item lose more by the part of "
        "gold that fell most. Simulated runs: of responses in which nothing is wrong. Intervals "
        "and diagnoses: on simulated responses whose effect of length and whose ranks are planted. "
        f"Brackets: Wilson, 95 %. {made('paid_for', measured)}"
    )


def signal_table(rows: Rows) -> pl.DataFrame:
    """Every signal: what it is raised against, how it errs, whether it is used; failures first."""
    errors = measured(rows)
    cells = []
    for name, words in SIGNALS.items():
        error = errors.get(name)
        cells.append({
            "signal": words,
            "false alarms on healthy trainings": "not measured" if error is None
            else of_text(error, "false", "healthy"),
            "raised on falling ones": "not measured" if error is None
            else f"{whole(error['called'])} of {whole(error['falling'])}",
            "used": "yes" if shipped(error) else why_not(name, error),
            "null": NULLS[name],
        })  # fmt: skip
    # Failures first, what is not known last.
    return pl.DataFrame(sorted(cells, key=lambda row: (
        not row["used"].startswith("tried"), row["used"] != "yes"
    )))  # fmt: skip


def _simulated(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame([
        {"signal": SIGNALS[row["signal"]], "healthy simulated runs": row["setting"],
         "raised on": of_text(row, "false", "runs")}
        for row in rows if row["kind"] == "simulated signal"
    ])  # fmt: skip


def _named(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame([
        {"genuine trainings that fall": named_of(row),
         "the first item names it": of_text(row, "named", "falling"),
         "any item": of_text(dict(row) | _of_list(row), "in_list", "falling")}
        for row in rows if row["kind"] == "named"
    ])  # fmt: skip


def _of_list(row: Mapping[str, Any]) -> dict[str, float]:
    low, high = ends(row["in_list"], row["falling"])
    return {"low": low, "high": high}


def _coverage(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame([
        {"95 % interval of": row["what"], "on": row["setting"],
         "held the truth": of_text(row, "held", "told")}
        for row in rows if row["kind"] == "coverage"
    ])  # fmt: skip


def _diagnoses(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame([
        {"runs": f"{_OF[row['kind']]}{row['setting']} ({whole(row['runs'])})",
         "told: parted": whole(row["parted"]),
         "both broke down": whole(row["both_broke_down"]),
         "cannot tell": whole(row["cannot_tell"])}
        for row in rows if row["kind"] in _OF
    ])  # fmt: skip

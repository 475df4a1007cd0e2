"""Scores by a sealed source bear another name from the door on: the gate alone asks for it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from data.columns import RunLog
from data.readers.responses.scored_responses import LABELS

SEALED = "sealed:"
"""Begins the phase of sealed scores of responses, and the source of sealed means."""


def closed(log: RunLog, sources: Collection[str]) -> RunLog:
    """A log whose scores by sealed sources bear another name; changed in place."""
    if not sources:
        return log
    if log.format in ("table", "samples") and log.metrics.height:
        rows = log.metrics
        named = rows["gold_source"] if "gold_source" in rows.columns else None
        if named is None and Path(log.path).stem in sources:
            rows = rows.with_columns(gold_source=pl.lit(SEALED + Path(log.path).stem))
        elif named is not None:
            rows = rows.with_columns(gold_source=_renamed("gold_source", "", sources))
        log.metrics = rows
    if log.samples.height:
        log.samples = log.samples.with_columns(phase=_renamed("phase", LABELS, sources))
    return log


def _renamed(column: str, prefix: str, sources: Collection[str]) -> pl.Expr:
    return pl.col(column).replace({prefix + source: SEALED + source for source in sources})

"""Pins as the pages ask for them and write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import polars as pl

from data.people import written
from data.people.written import NoteError as NoteError
from pages.shared import reads
from pages.shared.keeping import judging
from pages.shared.keeping.caching import cached

LARGEST = 20_000_000
"""Letters of a figure that is kept; a chart of hundreds of runs has a tenth of it."""


@cached(8)
def pins() -> pl.DataFrame:
    """Every pin without what it holds, the latest first."""
    return reads.store().query("pins")


@cached(8, shared=True)
def pin(name: str) -> dict[str, Any] | None:
    """One pin with all that it holds; None where there is none."""
    found = reads.store().query("pin", pin=name)
    return found.row(0, named=True) if found.height else None


def method() -> str:
    """Fingerprint of what judges now."""
    return judging.method()


def keep(
    by: str, page: str, address: Sequence[tuple[str, object]], says: str, figure: str,
    frames: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any], software: str,
) -> str:  # fmt: skip
    """Keep a view; return its id.

    Raises:
        NoteError: nobody is named, or the figure is too large; the message says what to do.
    """
    if len(figure) > LARGEST:
        raise NoteError("this figure is too large to be kept: choose fewer runs")
    return written.keep_pin(reads.store(), {
        "by": by, "page": page, "address": urlencode([(k, str(v)) for k, v in address]),
        "says": says, "figure": figure, "frames": json.dumps(frames, default=str),
        "verdicts": json.dumps(list(verdicts), default=str),
        "settings": json.dumps(settings, default=str), "software": software,
    })  # fmt: skip

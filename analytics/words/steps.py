"""Steps as a command takes them."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import polars as pl

from analytics.wording import whole


def a_step(text: str) -> int:
    """A step or iteration that a store can hold.

    Raises:
        argparse.ArgumentTypeError: no whole number, or one that no store holds.

    >>> a_step("200")
    200
    """
    try:
        step = int(text)
    except ValueError:
        step = 1 << 63
    if abs(step) >= 1 << 63:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no step")
    return step


def none_yet(query: Callable[..., pl.DataFrame], run: str, until: int | None) -> str:
    """Why no response of a run is read up to a step: they begin later; "" where they do not.

    query: answers "response_steps".
    """
    steps = query("response_steps", run=run, until=None)["step"].to_list()
    if until is None or not steps or min(steps) <= until:
        return ""
    return (f"no response was logged up to step {whole(until)}; the first are of step "
            f"{whole(min(steps))}")  # fmt: skip

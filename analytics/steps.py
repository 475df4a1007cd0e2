"""Steps as a command takes them."""

from __future__ import annotations

import argparse


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

"""Faults of single runs on a page: said in the place of the run, while the page goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import streamlit as st

from pages.shared.escaping import called, escaped
from pages.shared.keeping.isolation import Fault, attempt, fault

S = TypeVar("S")
T = TypeVar("T")


def say(found: Fault) -> None:
    """Write a fault where the run's picture or verdict would stand."""
    st.warning(f"{called(found.run)} {escaped(found.sentence)}.", icon=":material/error:")


@contextmanager
def isolated(run: str, what: str) -> Iterator[None]:
    """A part of a page on one run: a fault in it is said in its place, and the page goes on."""
    try:
        yield
    except Exception as error:
        say(fault(run, what, error))


def together(
    runs: Sequence[S], name: Callable[[S], str], what: str, make: Callable[[Sequence[S]], T]
) -> T | None:
    """What ``make`` makes of all runs; of those that it can take, where one of them breaks it.

    Which those are is found out by handing them over one by one. Faults are said. None where
    nothing is left.
    """
    try:
        return make(runs)
    except Exception as error:
        whole = error
    kept = []
    for run in runs:
        found = attempt(name(run), what, partial(make, [run]))
        if isinstance(found, Fault):
            say(found)
        else:
            kept.append(run)
    if len(kept) == len(runs):  # each can be done alone: it is their company that breaks it
        say(fault(", ".join(name(run) for run in runs), f"{what} together", whole))
        return None
    return together(kept, name, what, make) if kept else None

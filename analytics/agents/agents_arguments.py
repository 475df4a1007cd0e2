"""Arguments of a tool for agents, checked before it runs: what is wrong is one sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

LARGEST = 2**63 - 1
"""Of a step and of a count."""
LONGEST_SHOWN = 60


def faults(tool: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """What is wrong with the arguments of a call, a sentence; empty where nothing is.

    tool: its parameters are texts and whole numbers, some of which may be null.
    """
    takes = inspect.signature(tool).parameters
    there = f"{tool.__name__} takes {', '.join(takes)}"
    if unknown := [str(name) for name in given if name not in takes]:
        return f"there is no argument {_shown(unknown[0])}; {there}"
    for name, one in takes.items():
        if name not in given:
            if one.default is inspect.Parameter.empty:
                return f"the argument {name} is missing; {there}"
        elif wrong := _wrong(str(one.annotation), given[name]):
            return f"{name} = {_shown(given[name])}: {wrong}"
    return ""


def _wrong(kind: str, value: Any) -> str:
    """Why a value is not of a kind (the words of an annotation)."""
    if value is None and "None" in kind:
        return ""
    null = ", or null" if "None" in kind else ""
    if kind.startswith("str"):
        return _wrong_text(value, null)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or value != value or value in (float("inf"), float("-inf")) or value % 1:
        return f"a whole number is expected{null}"
    if not 0 <= value <= LARGEST:
        return f"a whole number from 0 to {LARGEST} is expected{null}"
    return ""


def _wrong_text(value: Any, null: str) -> str:
    if not isinstance(value, str):
        return f"text is expected{null}"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "this is no text: it holds half of a character"
    return ""


def _shown(value: Any) -> str:
    """A value in one line, cut; nothing of it that a terminal or a page would obey."""
    text = ascii(value) if not isinstance(value, int) or abs(value) < 10**30 else "a huge number"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"

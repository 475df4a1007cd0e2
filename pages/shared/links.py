"""Addresses: what a link asks for, and the link that restores a view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode, urlsplit

import streamlit as st

from data.serving.hosts import listed, split_origin
from pages.shared.escaping import called


def asked(key: str) -> list[str]:
    """Every value of a key in the address, before any widget tidies it."""
    return list(st.query_params.get_all(key))


def asked_until(runs: Sequence[str]) -> list[int | None]:
    """The step each run is frozen at: one ``until`` for all, or one a run in their order."""
    steps: list[int | None] = []
    for text in asked("until"):
        step = _step(text)
        if step is None:
            st.warning(f"The link's until={called(text)} is not a step, so the view is not frozen.")
            return [None] * len(runs)
        steps.append(step)
    if not steps:
        return [None] * len(runs)
    return (
        steps if len(steps) == len(runs) else [max(s for s in steps if s is not None)] * len(runs)
    )


def _step(text: str) -> int | None:
    """A step as the store holds it, None where it is none."""
    try:
        step = int(text)
    except ValueError:
        return None
    return step if abs(step) < 1 << 63 else None


def page_link(path: str, choices: Iterable[tuple[str, object]]) -> str:
    """The full address of a view: where the reader opened it, or else OVEROPT_URL's first."""
    opened = urlsplit(str(st.context.url or "http://localhost:8501"))
    base = f"{opened.scheme}://{opened.netloc}"
    if known := listed():
        place = split_origin(base)
        base = next((one.url for one in known if (one.name, one.port) == place), known[0].url)
    return f"{base}{path}?{urlencode([(k, str(v)) for k, v in choices])}"


def local_link(path: str, choices: Iterable[tuple[str, object]]) -> str:
    """The address of a view within the app."""
    return f"{path}?{urlencode([(k, str(v)) for k, v in choices])}"

"""Answers that are kept as long as they hold: the one way in which pages cache.

Streamlit leaves arguments whose names begin with an underscore out of a cache's key, and a key
that forgets the store or its state shows one store's rows in another. So the key is not chosen
where an answer is made: it is the store's folder, the state of what was asked, and every argument.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from data.home import home
from pages.shared.keeping.ownership import owner

P = ParamSpec("P")
T = TypeVar("T")


def generation(*_: object) -> object:
    """Changes whenever rows do."""
    return owner().store.generation


def pulse(*_: object) -> tuple[int, int]:
    """Changes whenever rows or verdicts do: (generation, verdicts kept so far)."""
    store = owner().store
    return store.generation, store.verdicts_saved


def cached(
    entries: int, state: Callable[..., object] = generation, shared: bool = False
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep up to ``entries`` answers of a function, by store, state and all of its arguments.

    Args:
        entries: the least recently used of more are dropped.
        state: called with the function's positional arguments; what the answer depends on besides.
        shared: every reader gets the one answer, which nobody may change, and not a copy.
    """

    def decorate(answer: Callable[P, T]) -> Callable[P, T]:
        name = f"{answer.__module__}.{answer.__qualname__}"

        def kept(
            asked: str, folder: str, at: object, args: tuple[Any, ...], named: tuple[Any, ...]
        ) -> T:
            return answer(*args, **dict(named))

        kept.__qualname__ = f"kept.{name}"  # Streamlit tells caches apart by it
        keep = st.cache_resource if shared else st.cache_data
        remembered = keep(show_spinner=False, max_entries=entries)(kept)

        @wraps(answer)
        def ask(*args: P.args, **named: P.kwargs) -> T:
            return remembered(
                name, str(home()), state(*args), args, tuple(sorted(named.items()))
            )  # fmt: skip

        return ask

    return decorate

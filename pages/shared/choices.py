"""Choices bound to the address by short names of their own.

Streamlit's ``bind="query-params"`` writes the label that a reader sees; labels change, addresses
must not. So a choice with labels is bound here: read once from the address, written at a change.
A choice equal to its default leaves the address, a value that is not known is said aloud. Back and
Forward bring an older address, and with it what was chosen then.

A value set by the session is told to the browser once. Where the page runs again before the code of
its widget has come, that is lost: the widget would show nothing, and take the choice away at the
next click. So every run also gives the value as the widget's default, which is read when it is
first drawn (`.streamlit/config.toml` turns off Streamlit's warning against doing both).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import isfinite
from typing import Any, overload

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from analytics.wording import whole
from pages.shared.escaping import called

Widget = Callable[..., Any]
LARGEST = 1 << 53
"""Beyond it a browser cannot tell whole numbers apart, and no number is asked for."""
BY_HAND = "chosen_by_hand"
"""Where a session keeps what a reader has chosen since the page was opened, by key."""
MOST_NAMED = 12
"""Choices that a sentence names."""


def by_history() -> bool:
    """Whether the reader came by Back or Forward: then the address says all that is chosen."""
    run = get_script_run_ctx()
    return run is not None and run.is_history_navigation


def by_hand(key: str) -> None:
    """Keep what the address says after a choice: see ``carrying``."""
    st.session_state[BY_HAND] = {
        **st.session_state.get(BY_HAND, {}), key: st.query_params.get_all(key)
    }  # fmt: skip


def seed(key: str, value: Any) -> None:
    """Give a widget the value of the address where it has none of its own, or an older one.

    Pages share the words of the address: a number of the page before is no list of this one.
    """
    value_before = st.session_state.get(key, value)
    of_another = isinstance(value_before, list) != isinstance(value, list)
    if key not in st.session_state or of_another or by_history():
        st.session_state[key] = value


@overload
def choose_one(
    widget: Widget, label: str, options: Mapping[str, str], key: str, default: str,
    placeholder: str = "any", **more: Any,
) -> str: ...  # fmt: skip


@overload
def choose_one(
    widget: Widget, label: str, options: Mapping[str, str], key: str, default: str | None,
    placeholder: str = "any", **more: Any,
) -> str | None: ...  # fmt: skip


def choose_one(
    widget: Widget,
    label: str,
    options: Mapping[str, str],
    key: str,
    default: str | None,
    placeholder: str = "any",
    asked: Sequence[str] | None = None,
    **more: Any,
) -> str | None:
    """One of ``options`` (name in the address to label), drawn by ``widget``.

    Without a default a list begins with ``placeholder``, which takes a choice back. ``asked``: what
    of the address counts, where the page has looked at it; None = all of it.
    """
    asked = st.query_params.get_all(key) if asked is None else asked
    known = [value for value in asked if value in options]  # runs and loops come along together
    if asked and not known:
        _unknown(label, asked[-1], options)
    seed(key, known[-1] if known else default)

    def keep() -> None:
        value = st.session_state[key]
        if value is None or value == default:
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = value
        by_hand(key)

    names: list[str | None] = list(options)
    if widget.__name__ == "selectbox":
        if default is None:  # a list has no cross to take a choice back where a default is given
            names.insert(0, None)
        value = st.session_state[key]
        more |= {"index": names.index(value) if value in names else 0}
    else:
        more |= {"default": _known(st.session_state[key], options)}
    chosen = widget(
        label, names, key=key, on_change=keep, **more,
        format_func=lambda name: placeholder if name is None else options[name],
    )  # fmt: skip
    return chosen if chosen is not None else default


def _known(chosen: Any, options: Collection[str]) -> Any:
    """What of a choice, one or several, is among the options."""
    if isinstance(chosen, list):
        return [name for name in chosen if name in options]
    return chosen if chosen in options else None


def choose_several(
    widget: Widget, label: str, options: Mapping[str, str], key: str, **more: Any
) -> list[str]:
    """Any of ``options``; the address repeats the key."""
    asked = st.query_params.get_all(key)
    for value in asked:
        if value not in options:
            _unknown(label, value, options)
    seed(key, [value for value in asked if value in options])

    def keep() -> None:
        st.query_params[key] = list(st.session_state[key])
        by_hand(key)

    chosen = widget(
        label, list(options), format_func=options.__getitem__, key=key, on_change=keep,
        default=_known(st.session_state[key], options), **more,
    )  # fmt: skip
    return list(chosen or [])


def choose_number(widget: Widget, label: str, *reach: float, key: str, **more: Any) -> Any:
    """A number of a widget that is bound to the address; what is none that it takes is said.

    With ``step=1`` it takes whole numbers. After that it goes unbound for the rest of the session.
    """
    # Streamlit seeds a bound widget from the address as it was opened, and fails on an infinity.
    unbound = st.session_state.setdefault("unbound", [])
    by_one = more.get("step") == 1
    wrong = [asked for asked in st.query_params.get_all(key) if not _allowed(asked, by_one)]
    if wrong:
        kind = (
            "a whole number that can be looked for" if by_one and _allowed(wrong[0]) else "a number"
        )
        st.warning(f"The link asks for {label.lower()} {called(wrong[0])}, which is not {kind}.")
        st.query_params.pop(key, None)
        unbound.append(key)
    bind = None if key in unbound else "query-params"
    return widget(label, *reach, key=key, bind=bind, **more)


def _allowed(text: str, by_one: bool = False) -> bool:
    """Whether an address has a finite number; with ``by_one`` a whole one that a browser holds."""
    try:
        value = float(text)
    except ValueError:
        return False
    return isfinite(value) and (not by_one or (value.is_integer() and abs(value) < LARGEST))


def _unknown(label: str, value: str, options: Mapping[str, str]) -> None:
    known = ", ".join(called(name) for name in list(options)[:MOST_NAMED])
    more = len(options) - MOST_NAMED
    st.warning(
        f"The link asks for {label.lower()} {called(value)}, which is not known; "
        f"known: {known or 'none'}{f' and {whole(more)} more' if more > 0 else ''}."
    )


def choose_named(
    label: str, options: Sequence[str], key: str, placeholder: str
) -> tuple[list[str], list[str]]:
    """Some of many names, bound to the address by ``key``; and the names asked for in vain."""
    asked = st.query_params.get_all(key)
    seed(key, [name for name in asked if name in options])

    def keep() -> None:
        st.query_params[key] = list(st.session_state[key])
        by_hand(key)

    chosen = st.multiselect(
        label, list(options), key=key, placeholder=placeholder, on_change=keep,
        default=_known(st.session_state[key], options),
    )  # fmt: skip
    return list(chosen), [name for name in asked if name not in options]

"""What the page of responses is asked for: each filter in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shared import links
from pages.shared.asking import reading_reads
from pages.shared.asking.response_asked import Filters
from pages.shared.asking.response_names import LARGEST
from pages.shared.choices import choose_number, choose_one
from pages.shared.escaping import called, escaped


def choose(
    row: Any, environments: Sequence[str], shortcuts: Sequence[str], mining: bool
) -> Filters:  # fmt: skip
    """Ask for the filters in ``row``; what the address asks for in vain is said.

    shortcuts: names of those that were found; mining: they are being looked for, and the one that
    the address names is kept as it is meanwhile.
    """
    first = _step(row, "From step", "from")
    last = _step(row, "To step", "to")
    search = row.text_input(
        "Contains", key="q", bind="query-params", width=230, placeholder="words of the response",
    ).strip()  # fmt: skip
    more = row.popover("More filters", icon=":material/filter_list:")
    by_pattern = more.toggle(
        "A regular expression", key="regex", bind="query-params",
        help="What stands under *Contains* is one (RE2), such as `(?i)as an ai|sorry`.",
    )  # fmt: skip
    prompt = more.text_input("Prompt (its id)", key="prompt", bind="query-params").strip()
    environment = _one_of(more, "Environment", environments, "environment")
    named = links.asked("shortcut")
    if len(named) > 1:
        st.warning(f"The link asks for several shortcuts; only the last one counts, "
                   f"{called(named[-1])}.")  # fmt: skip
    shortcut = named[-1] if mining and named else (
        _one_of(more, "Shortcut", shortcuts, "shortcut")
    )  # fmt: skip
    numbers = {
        key: choose_number(more.number_input, label, key=key, value=None, placeholder="any")
        for key, label in (
            ("proxy_from", "Proxy from"), ("proxy_to", "Proxy to"), ("gold_from", "Gold from"),
            ("gold_to", "Gold to"),
        )
    }  # fmt: skip
    numbers["apart"] = choose_number(
        more.number_input, "Disagreement from", key="apart", value=None, placeholder="any",
        help="So far is proxy above and gold below the run’s start, both: in standard deviations "
        "of the responses there.",
    )  # fmt: skip
    pattern = _pattern(search) if by_pattern and search else None
    return Filters(
        first, last, prompt or None, environment,
        words=search if search and not by_pattern else None,
        pattern=pattern, shortcut=shortcut, **numbers,
    )  # fmt: skip


def _step(row: Any, label: str, key: str) -> int | None:
    asked = choose_number(
        row.number_input, label, key=key, value=None, step=1, placeholder="any", width=110
    )
    return None if asked is None else int(max(-LARGEST, min(LARGEST, asked)))


def _one_of(place: Any, label: str, options: Sequence[str], key: str) -> str | None:
    if not options and not links.asked(key):
        return None
    return choose_one(place.selectbox, label, {name: name for name in options}, key, None,
                      placeholder="any")  # fmt: skip


def _pattern(text: str) -> str | None:
    if (why := reading_reads.pattern_fault(text)) is not None:
        st.warning(
            f"The expression {called(text)} cannot be used: {escaped(why)}. Mend it, or turn off "
            "*A regular expression*; until then it selects nothing."
        )
        st.stop()
    return text

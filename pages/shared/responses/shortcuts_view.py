"""What a run is paid for: its shortcuts, the first one in a sentence, all in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import streamlit as st

from analytics.shortcuts import Mined
from analytics.shortcuts.of_run import gold_onset
from analytics.shortcuts.words import headline, name, pays, read, short
from analytics.wording import MISSING, percent, whole
from pages.shared import reads
from pages.shared.asking import shortcut_mining
from pages.shared.asking.shortcut_mining import Mining
from pages.shared.escaping import escaped
from pages.shared.tables import show_table

Link = Callable[[Mapping[str, Any]], str]


def show_shortcuts(run: str, until: int | None, mined: Mining, link: Link, all_with: Link) -> None:
    """The block; what is known of the shortcuts so far, which nobody has waited for.

    Args:
        run: of the responses.
        until: step at which the view is frozen.
        mined: what is known.
        link: the address of a response's own view.
        all_with: the address of all responses that have a shortcut, of ``{"shortcut": name}``.
    """
    st.header("What it is paid for", anchor=False)
    if mined.progress:
        _wait(run, until, mined)
    if mined.fault:
        st.warning(f"The responses could not be mined: {escaped(mined.fault)}.",
                   icon=":material/error:")  # fmt: skip
    if mined.mined is None:
        return
    st.markdown(f"**{escaped(headline(mined.mined))}**")
    if mined.mined.shortcuts:
        _table(run, mined.mined, until)
        _examples(mined.mined, link, all_with)


def _table(run: str, mined: Mined, until: int | None) -> None:
    falls = gold_onset(reads.kept_verdicts().get(run)) if until is None else None
    each = mined.shortcuts
    columns = {
        "what responses do": [short(one.name) for one in each],
        "at the start": [percent(one.share_start) for one in each],
        "now": [percent(one.share_now) for one in each],
        "proxy pays (95 %)": [pays(one.proxy) for one in each],
        "gold says (95 %)": [MISSING if one.gold is None else pays(one.gold) for one in each],
        "since step": [whole(one.onset) for one in each],
    }
    if falls is not None:
        columns["gold falls from"] = [whole(falls)] * len(each)
    show_table(pl.DataFrame(columns), hide_index=True)
    st.caption(
        "Share of responses; difference of the reward with it against without, among responses to "
        "the same prompt. In order of what it earned: growth times pay"
        + (" beyond what gold confirms. " if mined.with_gold else ". ")
        + "Of what is listed 5 % at most is chance, in expectation. " + escaped(read(mined))
    )  # fmt: skip


def _examples(mined: Mined, link: Link, all_with: Link) -> None:
    with st.expander("Examples, and what says the same"):
        for one in mined.shortcuts:
            links = ", ".join(f"[step {whole(key['step'])}]({link(key)})" for key in one.examples)
            same = "; ".join(escaped(name(other)) for other in one.same_as)
            st.markdown(
                f"**{escaped(name(one.name))}**: {links or MISSING}, "
                f"[all that have it]({all_with({'shortcut': short(one.name)})})"
                + (f"  \nThe same: {same}" if same else "")
            )


@st.fragment(run_every=1.0)
def _wait(run: str, until: int | None, seen: Mining) -> None:
    """How far it is; the page comes again by itself when it is done."""
    now = shortcut_mining.mined(run, until)
    if not now.progress:
        st.rerun(scope="app")
    what = "Newer responses are being mined" if seen.mined else "The responses are being mined"
    st.caption(f":material/hourglass_top: {what}: {escaped(now.progress)} …")

"""One response, beside another one to the same prompt: where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from analytics.reading.difference import MOST_TOKENS, difference
from analytics.reading.shown import PROMPT_WORDS, excerpt
from analytics.wording import count, number, whole
from pages.shared import links
from pages.shared.asking import reading_reads
from pages.shared.asking.reading_reads import LONGEST_SHOWN
from pages.shared.asking.response_names import Name, read, written
from pages.shared.choices import choose_one
from pages.shared.escaping import LONGEST, called, escaped
from pages.shared.responses.response_html import difference_html

Address = Sequence[tuple[str, object]]


def show_response(run: str, text: str, until: int | None) -> None:
    """The view of the response that an address names; says where it is not there.

    Args:
        run: its run.
        text: its address, as ``response_names.written`` gives it.
        until: step at which the view is frozen.
    """
    frozen = [("until", until)] * (until is not None)
    own = [("run", run), *frozen]
    st.markdown(f"[All responses]({links.local_link('/responses', own)})")
    name = read(text)
    row = reading_reads.one(run, name) if name is not None else None
    if row is None or name is None or (until is not None and name.step > until):
        st.error(
            f"The link asks for response {called(text)}, which is not in this run"
            + (" up to the step at which this view is frozen." if row else "."),
            icon=":material/search_off:",
        )
        return
    if row["prompt"]:
        st.markdown(f"Prompt: {escaped(row['prompt'], LONGEST)}")
    other = _other(run, name, until)
    both = row if other is None else reading_reads.one(run, other)
    diff = difference(both["completion"] if both else "", row["completion"])
    left, right = st.columns(2) if both and other else (None, st.container())
    if left and both:
        _side(left, run, both, difference_html(diff.before, "del"))
    _side(right, run, row, difference_html(diff.after, "ins" if left else "span"))
    if left:
        st.caption(
            "Struck out: words that the right one does not have in this place. Underlined: words "
            "that the left one does not have."
            + ("" if diff.whole else f" Compared are the first {whole(MOST_TOKENS)} words and marks"
               " of each.")
        )  # fmt: skip
    at = [*own, ("from", name.step), ("to", name.step)]
    st.markdown(
        f"[All of this prompt]({links.local_link('/responses', [*own, ('prompt', name.prompt)])})"
        f" · [all of step {whole(name.step)}]({links.local_link('/responses', at)})"
    )


def address(run: str, text: str, until: int | None) -> Address:
    """The choices that restore the view."""
    chosen: list[tuple[str, object]] = [("run", run), ("response", text)]
    chosen += [("with", one) for one in links.asked("with")[-1:]]
    return chosen + [("until", until)] * (until is not None)


def _other(run: str, name: Name, until: int | None) -> Name | None:
    """Which response to the same prompt it is compared with: as asked, or of another step."""
    draws = reading_reads.draws(run, name.prompt, until).to_dicts()
    there = {written({**row, "prompt_id": name.prompt}): row for row in draws}
    own = written({**name._asdict(), "prompt_id": name.prompt, "sample_id": name.sample})
    there.pop(own, None)
    if not there:
        st.caption("There is no other response to this prompt to compare it with.")
        return None
    elsewhere = [key for key, row in there.items() if row["step"] != name.step]
    chosen = choose_one(
        st.selectbox, "Compare with", {key: _words(row) for key, row in there.items()}, "with",
        (elsewhere or list(there))[0], width=420,
    )  # fmt: skip
    return read(str(chosen))


def _words(row: Mapping[str, Any]) -> str:
    return (
        f"step {whole(row['step'])}, response {whole(row['sample_id'])}: proxy "
        f"{number(row['proxy_reward'])}, gold {number(row['gold_reward'])}"
    )


def _side(place: Any, run: str, row: Mapping[str, Any], html: str) -> None:
    phase = "" if row["phase"] == "train" else f" ({row['phase']})"
    place.markdown(
        f"**Step {whole(row['step'])}{phase}** · proxy {number(row['proxy_reward'])} · gold "
        f"{number(row['gold_reward'])} · {count(row['letters'], 'character')}"
    )
    place.html(html)
    if row["letters"] > LONGEST_SHOWN:
        place.caption(f"Shown are the first {whole(LONGEST_SHOWN)} characters.")
        name = Name(row["phase"], row["step"], row["prompt_id"], row["sample_id"])
        place.download_button(
            "The whole text", lambda: _whole(run, name), mime="text/plain", on_click="ignore",
            file_name=f"response-{row['step']}-{row['sample_id']}.txt", key=f"all {written(row)}",
        )  # fmt: skip


def _whole(run: str, name: Name) -> bytes:
    row = reading_reads.one(run, name, 1 << 40)
    return str(row["completion"] if row else "").encode()


def title(row: Mapping[str, Any]) -> str:
    """A response's prompt in a few words."""
    cut_text = excerpt(row["prompt"], PROMPT_WORDS)
    return cut_text.before + cut_text.after

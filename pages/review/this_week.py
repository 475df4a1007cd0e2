"""What needs a decision since the last review? One line a change, what is decided first on top."""

import datetime
from functools import partial

import streamlit as st

from analytics.review.changes import FOLDED, grouped, summary
from analytics.wording import count, whole
from analytics.words.notes import overdue, when
from pages.shared import links, reads
from pages.shared.asking import note_reads, pin_reads, review_reads
from pages.shared.escaping import called, escaped
from pages.shared.frame import heading, refresh_when_store_changes, stop_when_empty
from pages.shared.people.notes_html import notes_html
from pages.shared.people.notes_view import note_form
from pages.shared.people.pin_view import pin_links
from pages.shared.people.review_view import STYLE, line, lines

MOST = 12
"""Changes that have a field of their own to decide in; the others are one click away."""
MOST_OPEN = 8
"""Other changes that stand open; more are folded, and so are more new and grown runs."""
EARLIEST = datetime.date(2000, 1, 1)

heading(
    "This week",
    "What changed since the last review, and what of it needs a decision.",
)
today = datetime.date.today()
asked = st.query_params.get("since")
try:
    begin = review_reads.begins(asked)
except (ValueError, OverflowError):
    st.warning(
        f"The link asks for since={called(str(asked))}, which is no date such as 2026-11-21."
    )
    asked, begin = None, review_reads.begins(None)

with st.spinner("Comparing with the store as it was …"):
    found = review_reads.review(begin, today)
if not found.changes and not reads.runs().height:
    stop_when_empty()  # nothing to judge is not the same as nothing to decide
refresh_when_store_changes()
groups = grouped(found.changes)
first = [group for group in groups if group[0].needs_decision]
others = [group for group in groups if group not in first and group[0].cause not in FOLDED]
folded = [group for group in groups if group not in first and group[0].cause in FOLDED]
pictures = {run: picture.address for run, picture in reads.pictures().items()}

st.markdown(f"## {summary(found.changes)}")
start = ", when the last review was closed" if asked is None and begin.shown is not None else ""
st.caption(
    f"Since {escaped(when({'at': found.since}))} UTC{start}. New rows, a new judge, a new setting "
    "and a new program are kept apart as causes."
)
judging = sum(one.verdict is None for one in found.now.runs.values())
if judging:
    st.info(
        f"{count(judging, 'run')} {'is' if judging == 1 else 'are'} being judged; what comes of it "
        "appears by itself.", icon=":material/hourglass_top:",
    )  # fmt: skip

if first:
    st.html(STYLE)
for number, one in enumerate(first[:MOST]):
    text, field = st.columns([6, 1], vertical_alignment="center")
    text.html(line(one, pictures))
    deciding = field.popover("Decide", width="stretch", on_change="rerun", key=f"open-{number}")
    if deciding.open:
        subject, is_file = one[0].subject, one[0].kind in ("skipped", "watch")
        about = {"topic": subject[-200:]} if is_file else {"run_id": subject}
        with deciding:
            note_form(f"decide-{number}", (), None, None, about)
if len(first) > MOST:
    with st.expander(f"{whole(len(first) - MOST)} more that need a decision"):
        st.html(lines(first[MOST:], pictures))
came = [group for group in others if all(one.kind in ("new_run", "grown") for one in group)]
if len(others) > MOST_OPEN and came:
    others = [group for group in others if group not in came]
    with st.expander(f"{count(len(came), 'new or grown run')} without need of a decision"):
        st.html(lines(came, pictures))
if others:
    shown = len(first) < MOST_OPEN and len(others) <= MOST_OPEN
    with st.expander(f"{count(len(others), 'other change')}", expanded=shown):
        st.html(lines(others, pictures))
if folded:
    with st.expander(f"{count(len(folded), 'change')} by settings or by the program, not by rows"):
        st.html(lines(folded, pictures))

decisions = [n for n in note_reads.notes() if n["decision"]]
open_ones = [n for n in decisions if n["due"] and not overdue(n, today)]
if decisions:
    with st.expander(f"{count(len(decisions), 'decision')} so far, {whole(len(open_ones))} with a "
                     "date to come"):  # fmt: skip
        st.html(notes_html(decisions[:50], {}, today, named=True))
pins = pin_reads.pins()
if pins.height:
    with st.expander(count(pins.height, "pinned view")):
        st.markdown(pin_links(pins.head(50)))


def made(ending: str) -> bytes:
    """The document in one of its forms."""
    document = review_reads.document(found, today, server)
    return {"html": document.html.encode(), "md": document.markdown.encode(), "zip": document.data}[
        ending
    ]


row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
with row.popover("Close this review", icon=":material/task_alt:"):
    st.caption("The next review begins behind what this one saw.")
    with st.form("close", border=False):
        by = st.text_input("Your name", note_reads.signed_in(), key="close-by")
        closing = st.form_submit_button("Close it")
    if closing:
        try:
            review_reads.close(found, by)
        except review_reads.NoteError as error:
            st.error(escaped(error), icon=":material/error:")
        else:
            note_reads.remember(by.strip())
            st.query_params.pop("since", None)
            st.rerun()
with row.popover("Send", icon=":material/description:"):
    st.caption("One file that needs nothing else, for mail, print or a wiki; and its tables.")
    server = links.page_link("", []).removesuffix("?")
    name = f"review-{found.since[:10]}"
    for label, ending, kind in (
        ("Document (HTML)", "html", "text/html"), ("Markdown", "md", "text/markdown"),
        ("Tables (CSV and Parquet)", "zip", "application/zip"),
    ):  # fmt: skip
        st.download_button(
            label, partial(made, ending), f"{name}.{ending}", kind,
            key=f"send-{ending}", on_click="ignore",
        )  # fmt: skip
with row.popover("Since another day", icon=":material/calendar_month:"):
    there = datetime.datetime.fromisoformat(found.since).date()
    there = min(max(there, EARLIEST), today)
    day = st.date_input("Since", there, EARLIEST, today, key="since-day")
    if st.button("Show", key="since-show"):
        st.query_params["since"] = str(day)
        st.rerun()
with row.popover("Copy link", icon=":material/link:"):
    since = asked or found.since
    st.code(links.page_link("/this-week", [("since", since)]), language=None, wrap_lines=True)

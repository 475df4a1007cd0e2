"""What is the policy paid for? Twenty responses to read, and all of them behind it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analytics.reading import in_common
from analytics.shortcuts import asked_of
from analytics.shortcuts.words import short
from analytics.wording import count, percent, whole
from pages.shared import links, reads
from pages.shared.asking import reading_reads, shortcut_mining
from pages.shared.asking.response_names import read, written
from pages.shared.escaping import called, escaped, shown_name
from pages.shared.frame import reading, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated
from pages.shared.page_parts.freezing import frozen_steps
from pages.shared.paid.paid_panels import show_panels
from pages.shared.responses import response_filters
from pages.shared.responses.response_html import reading_table, response_table
from pages.shared.responses.response_run import choose_run
from pages.shared.responses.response_view import address as response_address
from pages.shared.responses.response_view import show_response
from pages.shared.responses.shortcuts_view import show_shortcuts
from pages.shared.truth.truth_choices import copy_link

st.title("Responses", anchor=False)
stop_when_empty()
row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
run = choose_run(row)
every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
tab("Responses", [run])
until = frozen_steps([run], {run: links.asked_until([run])[0]}, every).get(run)
extent = reading_reads.extent(run, until)
if extent is None:
    st.info("There are no responses up to the step at which this view is frozen.")
    st.stop()
if asked := links.asked("response"):
    with isolated(run, "shown by this response"):
        show_response(run, asked[0], until)
    copy_link("/responses", response_address(run, asked[0], until))
    st.stop()

known = shortcut_mining.mined(run, until)
rules = asked_of(known.mined)
names = [short(one[0]) for one in rules]
waits = known.mined is None and bool(known.progress)
filters = response_filters.choose(row, reading_reads.environments(run), names, waits)
own = [("run", run)] + [("until", until)] * (until is not None)


def link(row: Mapping[str, Any]) -> str:
    """The view of one response."""
    return links.local_link("/responses", [*own, ("response", written(row))])


def all_with(row: Mapping[str, Any]) -> str:
    """All responses that have a shortcut."""
    return links.local_link("/responses", [*own, ("shortcut", row["shortcut"])])


answer = st.container()
with isolated(run, "mined for shortcuts"):
    show_shortcuts(run, until, known, link, all_with)
with reading("Reading the responses …", (run, until, filters)):
    listed = reading_reads.reading_list(run, until, filters, rules)
shared = in_common(listed.items)
if listed.missing:
    answer.markdown(f"No reading list: {escaped(listed.missing)}.")
else:
    paid = any(item.shortcuts for item in listed.items)
    lead = f"What {called(run)} is paid for." if paid else f"What {called(run)} writes."
    answer.markdown(f"**{lead}** Of {len(listed.items)} responses to read, "
                f"{escaped(shared) if shared else 'no two share what stands out'}.")  # fmt: skip
if listed.items:
    st.header("Reading list", anchor=False)
    best = " and gold furthest below" if extent.has_gold else ""
    shares = reading_reads.apart(run, until)
    st.caption(
        f"Responses with proxy furthest above{best} the policy’s own start on the prompt (single "
        "responses: what they average to, the curve says); what is new comes first, prompts and "
        "steps are spread."
        + ("" if extent.has_gold else " Gold is missing: whether a gain is real is not known.")
        + (
            " Chance alone fills such a list: proxy above and gold below the run’s start have "
            f"{percent(shares[0])} of the responses at the start itself, and {percent(shares[1])} "
            "of the last ones."
            if shares
            else ""
        )
    )
    with isolated(run, "from its reading list"):
        st.html(reading_table(listed.items, listed.firsts, link, extent.start))
    st.download_button(
        "The list (CSV)", lambda: reading_reads.csv(listed.items), mime="text/csv",
        file_name=f"{shown_name(run)}-reading-list.csv", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip

show_panels(every[run], until)

st.header("All responses", anchor=False)
asked_after = links.asked("after")
after = read(asked_after[-1]) if asked_after else None
if asked_after and after is None:
    st.warning(
        f"The link’s after={called(asked_after[-1])} names no response: shown from the first."
    )
chosen = own + filters.address()
rule = tuple(one for one in rules if filters.shortcut == short(one[0]))[:1]
if filters.shortcut and not rule:
    st.info(
        f"Not yet only those with {called(filters.shortcut)}: which have a shortcut is known once "
        "the responses are mined."
    )
with reading("Reading the responses …", (run, until, filters, after)):
    page = reading_reads.page(run, until, filters, after, rule)
rows = page.rows.to_dicts()
turns = [f"[First page]({links.local_link('/responses', chosen)})"] * (after is not None)
if len(rows) == reading_reads.ROWS:
    further = [*chosen, ("after", written(rows[-1]))]
    turns.append(f"[Next {len(rows)}]({links.local_link('/responses', further)})")
if page.further is not None:
    many = f" {count(page.looked, 'response')}" if page.looked else ""
    st.info(f"Looked through{many} up to step {whole(page.up_to)} so far.")
    turns.append(
        f"[Look further]({links.local_link('/responses', [*chosen, ('after', page.further)])})"
    )
if rows:
    which = "Those that fit the filters, of " if filters.address() else ""
    st.caption(f"{which}{count(extent.total, 'response')} in the run, in the order of steps.")
    st.html(response_table(rows, link, filters.marked()))
else:
    st.info("No further response fits these filters." if after else
            "No response fits these filters. Clear one of them to see more.")  # fmt: skip
if turns:
    st.markdown(" · ".join(turns))
last = extent.steps[-1][0] if until is None else until
view = [("run", run), *filters.address(), *[("after", one) for one in asked_after[-1:]]]
copy_link("/responses", [*view, ("until", last)])

"""Who is told of what: what is open, what waits to be sent, and a test of the receiver."""

import datetime

import streamlit as st

from analytics.measured.published import published
from analytics.quality.alert_weeks import sentence
from analytics.wording import count
from pages.shared.asking import note_reads
from pages.shared.escaping import called, escaped
from pages.shared.frame import heading
from pages.shared.server import alerting

MOST = 50
"""Lines that the page shows."""

heading("Alerts", "What is sent without anyone opening the monitor, and what waits to be sent.")
try:
    rules, wrong = alerting.rules(), ""
except alerting.RulesError as error:
    rules, wrong = None, str(error)
ledger = alerting.ledger()
opened = alerting.open_subjects(ledger)

if wrong:
    st.error(f"No alerts are sent: {escaped(wrong, 200)}", icon=":material/error:")
elif rules is None:
    st.markdown("## Alerts are off")
    st.markdown(
        f"They are sent once rules lie in `{alerting.rules_file()}`: a digest by default, and a "
        "ping for alarms that stand among all runs, gates that fail and human checkpoints that "
        "are overdue. These are the proposed rules; an address is missing in them."
    )
    st.code(alerting.proposal(), language=None, wrap_lines=True)
else:
    st.markdown(f"## {count(len(opened), 'run or loop', 'runs or loops')} with an open alert")
if failure := alerting.failure():
    st.warning(f"The last attempt to send failed, and is repeated: {escaped(failure, 200)}",
               icon=":material/cloud_off:")  # fmt: skip
shown = [
    f"- [{escaped(one.name, 120)}]({one.link}), {escaped(one.since)}: {escaped(one.what, 120)}"
    for one in alerting.lines(ledger)
]
shown += [f"- {escaped(line, 120)}" for line in alerting.waiting(ledger)]
st.markdown("\n".join(shown[:MOST]))
if len(shown) > MOST:
    st.caption(f"and {count(len(shown) - MOST, 'more line')}: python -m analytics alerts")

row = st.container(horizontal=True, gap="small")
if rules is not None and row.button("Send a test", icon=":material/send:"):
    try:
        with st.spinner("Sending …"):
            alerting.test(rules)
    except alerting.NotDelivered as error:
        st.error(f"Not delivered: {escaped(error, 200)}.", icon=":material/error:")
    else:
        st.success("The receiver took it.", icon=":material/check:")
if opened:
    with row.popover("Acknowledge or mute", icon=":material/notifications_off:"):
        st.caption(
            "Acknowledged alerts are left out of digests until they change; muted ones are never "
            "sent."
        )
        with st.form("hush", border=False):
            subject = st.selectbox("Run or loop", opened, key="hush-subject", format_func=called)
            until = st.date_input(
                "Mute until (empty: acknowledge)", None, datetime.date.today(), key="hush-until"
            )
            by = st.text_input("Your name", note_reads.signed_in(), key="hush-by")
            asked = st.form_submit_button("Keep")
        if asked and not by.strip():
            st.error("Say who you are: others see who looks after it.", icon=":material/error:")
        elif asked:
            note_reads.remember(by.strip())
            if until:
                alerting.mute(subject, until, by)
            else:
                alerting.acknowledge(subject, by)
            st.rerun()
if measured := published("alerts"):
    st.caption(escaped(f"How often pings err: {sentence(measured['rows'][0])}.", 200))
if ledger["sent"]:
    with st.expander(f"{count(len(ledger['sent']), 'message')} sent so far"):
        st.markdown("\n".join(
            f"- {escaped(one['at'][:16].replace('T', ' '))} UTC: {escaped(one['title'], 120)}"
            for one in reversed(ledger["sent"][-50:])
        ))  # fmt: skip

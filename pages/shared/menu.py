"""The menu: one line a page. Page paths are relative to this file; url_path is the permalink."""

import os
from pathlib import Path

import streamlit as st

from pages.shared.charts import collected
from pages.shared.frame import timed
from pages.shared.page_parts.carrying import carry
from pages.shared.page_parts.sign_in import show_sign_in
from pages.shared.people.pin_view import pin_any, show_pin

# Icons by name (":material/…:", an emoji) would be fetched from another machine.
HERE = Path(__file__).parent
st.set_page_config(page_icon=HERE / "icon.svg", layout="wide")

with st.container(key="scripts"):  # takes no room: look.css
    for script in ("zoom.js", "ticks.js", "choosing.js", "takeaway.js", "point.js"):
        text = (HERE / script).read_text()
        st.html(f"<script>{text}</script>", unsafe_allow_javascript=True)
# For those who build the pages: each piece by itself, also photographed by a test.
built = [
    st.Page("../review/style.py", title="Style", url_path="style", icon=":material/palette:")
] * (os.environ.get("OVEROPT_STYLE") == "1")
page = st.navigation(
    {
        "": [
            st.Page("../review/this_week.py", title="This week", url_path="this-week",
                    icon=":material/event_note:"),
        ],
        "Runs": [
            st.Page("../runs/overview.py", title="Overview", default=True, icon=":material/list:"),
            st.Page("../runs/overoptimization.py", title="Overoptimization",
                    url_path="overoptimization", icon=":material/show_chart:"),
            st.Page("../runs/responses.py", title="Responses", url_path="responses",
                    icon=":material/chat:"),
            st.Page("../runs/components.py", title="Components", url_path="components",
                    icon=":material/stacked_line_chart:"),
            st.Page("../runs/best_of_n.py", title="Best-of-n", url_path="best-of-n",
                    icon=":material/filter_alt:"),
            st.Page("../runs/scaling_laws.py", title="Scaling", url_path="scaling",
                    icon=":material/trending_up:"),
        ],
        "Truth": [
            st.Page("../truth/hallucination.py", title="Hallucination", url_path="hallucination",
                    icon=":material/fact_check:"),
            st.Page("../truth/calibration.py", title="Calibration", url_path="calibration",
                    icon=":material/balance:"),
            st.Page("../truth/answers.py", title="Answers", url_path="answers",
                    icon=":material/forum:"),
            st.Page("../truth/behaviours.py", title="Behaviours", url_path="behaviours",
                    icon=":material/policy:"),
            st.Page("../truth/training_set.py", title="Training set", url_path="training-set",
                    icon=":material/dataset:"),
        ],
        "Loop": [
            st.Page("../loop/iterations.py", title="Iterations", url_path="iterations",
                    icon=":material/cycle:"),
            st.Page("../loop/provenance.py", title="Provenance", url_path="provenance",
                    icon=":material/account_tree:"),
            st.Page("../loop/checkpoints.py", title="Human checkpoints", url_path="checkpoints",
                    icon=":material/groups:"),
            st.Page("../loop/gate.py", title="Gate", url_path="gate", icon=":material/gavel:"),
        ],
        "Review": [
            st.Page("../review/sources.py", title="Sources", url_path="sources",
                    icon=":material/database:"),
            st.Page("../review/alerts.py", title="Alerts", url_path="alerts",
                    icon=":material/notifications:"),
            st.Page("../review/quality.py", title="How good is this?", url_path="quality",
                    icon=":material/verified:"),
            *built,
        ],
    }
)  # fmt: skip
st.set_page_config(page_title=page.title)  # else the name of the page before stays in the tab
LOOP_PAGES = (
    "hallucination", "calibration", "answers", "training-set", "iterations", "provenance",
    "checkpoints", "gate",
)  # fmt: skip
OWN_PIN = ("overoptimization", "quality", "style")
"""Pages that pin by themselves, or whose figures belong to the program and to no run."""
word = "loop" if page.url_path in LOOP_PAGES else "run"
show_sign_in()
pinned = st.query_params.get("pin")
if pinned is None:
    carry(page.url_path, word if page.url_path not in ("", "this-week", "alerts") else None)
with timed():
    if pinned is None:
        with collected() as figures:
            page.run()
        if page.url_path not in OWN_PIN:
            pin_any(f"/{page.url_path}", figures)
    else:
        show_pin(pinned)

"""Each piece of the pages by itself, for those who build them: only where OVEROPT_STYLE is 1."""

import polars as pl
import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.palette import STATUS
from analytics.figures.rewards.rewards import reward_figure
from analytics.figures.runs.band import band_figure
from analytics.figures.runs.specimens import specimen
from analytics.onset.sentences.headline import headline
from analytics.wording import with_interval
from pages.shared import charts
from pages.shared.frame import heading
from pages.shared.runs.decision_card import card
from pages.shared.runs.run_table import Group, run_table
from pages.shared.tables import show_table

heading("Style", "Every piece of the pages, made of made-up runs. Look at it in light and in dark.")
runs = [specimen(ordinal) for ordinal in range(20)]

st.header("Words", anchor=False)
st.markdown(
    "Text with **weight**, a [link](/), `code`, and a number with its interval: "
    + with_interval(0.84, 0.61, 1.07)
)
st.caption("A caption says what a picture shows, and can be read as well as the text.")
st.segmented_control("A choice", ["one", "two"], default="one", key="style_choice")

st.header("Decision cards", anchor=False)
unknown = {
    **runs[0].verdict,
    "recommendation": {"action": "none", "reason": "No candidate: no checkpoint is known."},
}
for verdict in (runs[0].verdict, runs[2].verdict, unknown):
    st.html(card(str(verdict["run"]), verdict, "KL exact · 12 gold evaluations (evaluation)"))

st.header("Verdicts in a table", anchor=False)
rows = [
    {
        "run": {"run_id": words, "project": "style", "gold_evaluations": 12, "step_end": 472,
                "kl_end": 35.0, "gold_step_end": 472, "gold_kl_end": 35.0},
        "verdict": {**runs[place].verdict, "status": status, "run": words}, "colour": run.colour,
        "picture": "", "missing": "nothing to draw", "trainer": "TRL PPO", "stands": place == 0,
    }
    for place, (run, (status, (_, words))) in enumerate(zip(runs, STATUS.items(), strict=False))
    if status not in ("not_judged", "unmeasured", "too_little_gold")
]  # fmt: skip
st.html(run_table([Group("", [], rows)]))
show_table(pl.DataFrame({"run": ["a", "b"], "gold": [0.5, None]}), hide_index=True)

st.header("Messages", anchor=False)
st.info("Nothing here yet: what to do to fill it.", icon=":material/inbox:")
st.warning("A reservation, and which runs it concerns.", icon=":material/straighten:")
st.error("What went wrong, why, and what to do.", icon=":material/error:")


def shown(figure: object, key: str, some: list[RunCurve]) -> None:
    """A figure with its caption, as on its page."""
    charts.draw(figure, key, f"{some[0].run_id} {headline(some[0].verdict)}")
    charts.caption(figure)


for some in (runs[:1], runs[2:3], runs[:2], runs[:3], runs[:5], runs):
    st.header(f"A chart of {len(some)}", anchor=False)
    shown(reward_figure(some, "sqrt_kl", "raw", []), f"chart-{len(some)}-{some[0].ordinal}", some)
st.header("Seeds of one setting", anchor=False)
shown(band_figure(runs[:5], "sqrt_kl"), "band", runs[:5])

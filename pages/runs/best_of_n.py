"""Best-of-n: does selecting harder by a proxy still pay in gold?"""

import polars as pl
import streamlit as st

from analytics.best_of_n import ENSEMBLES
from analytics.best_of_n.words import fit_peak, headline, peak_words, sentences
from analytics.figures.laws.best_of_n import MARKED, Line, best_of_n_figure
from analytics.wording import MISSING, count, with_interval
from pages.shared import charts, links, reads
from pages.shared.asking import pool_reads
from pages.shared.choices import choose_number, choose_one, choose_several
from pages.shared.escaping import called, escaped
from pages.shared.frame import heading, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated, together
from pages.shared.tables import show_table

AXES = {"sqrt_kl": "√KL", "kl": "KL", "n": "n"}
KLS = {"bound": "bound", "better": "better estimate"}
MOST_CARDS = 4

heading(
    "Best-of-n",
    "What selecting the best of n samples by a proxy gives in gold, for every n, from a pool of "
    "scored responses of the initial policy.",
)
stop_when_empty()
pools = pool_reads.pools()
every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
asked = links.asked("run")
if not pools:
    st.info("No run of this store holds a pool of responses.", icon=":material/inbox:")
    st.code("python -m data import POOL.parquet", language=None, wrap_lines=True)
    st.markdown(
        "A pool is a table with several responses to each prompt, drawn from the initial policy, "
        "with the columns `prompt_id, prompt, completion, proxy_reward, gold_reward`, and where "
        "you have it `logprob_policy`. Any further numeric column (a second reward model, a "
        "process reward, an ensemble member) is offered as another proxy."
    )
    st.stop()
for missing in (run for run in asked if run not in pools):
    why = "holds no pool of responses" if missing in every else "is not in this store"
    st.warning(
        f"The link asks for {called(missing)}, which {why}.",
        icon=":material/search_off:",
    )
if "run" in st.session_state:
    st.session_state["run"] = [run for run in st.session_state["run"] if run in pools]
chosen = st.multiselect(
    "Pools", list(pools), key="run", bind="query-params", placeholder="Choose one or more pools",
)  # fmt: skip
tab("Best-of-n", chosen)
if not chosen:
    # A link that asks in vain says so, and shows what else there is.
    largest = sorted(pools.items(), key=lambda item: (-item[1]["typical"], item[0]))
    chosen = [run for run, _ in largest[:1]]
    others = ", ".join(
        f"[{called(run)}]({links.local_link('/best-of-n', [('run', run)])}) "
        f"({count(row['prompts'], 'prompt')}, {count(row['samples'], 'response')})"
        for run, row in largest[1:6]
    )
    st.caption(
        f"Shown is {called(chosen[0])}, the pool with the most responses to a prompt."
        + (f" Others: {others}." if others else "")
    )

offered: dict[str, str] = {}
for run in chosen:
    for name, logged in pool_reads.proxies(run).items():
        offered.setdefault(name, logged)
row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
picked = choose_several(
    row.multiselect, "Proxies", offered, "proxy", placeholder="its reward models",
    help="What the responses are ranked by. Unless you choose: the proxy reward and every column "
    "that is named like a reward model.",
)  # fmt: skip
axis = choose_one(row.segmented_control, "Axis", AXES, "x", "sqrt_kl", required=True)
kl = choose_one(
    row.segmented_control, "KL", KLS, "kl", "bound", required=True,
    help="The bound ln n − (n − 1)/n, or the estimate from the probability of each selected "
    "response under the initial policy (Beirami et al. 2024), where log-probabilities are there.",
)  # fmt: skip
joined = choose_several(
    row.pills, "Ensembles of these proxies", ENSEMBLES, "ensemble", selection_mode="multi"
)
penalty = 0.5
if "uwo" in joined:
    penalty = choose_number(
        row.number_input, "λ of UWO", 0.0, 10.0, 0.5, 0.1, key="penalty",
        help="Mean − λ x variance between members, each first divided by its spread over the pool.",
    )  # fmt: skip

lines: list[tuple[str, Line]] = []


def rank(run: str) -> None:
    """Add the curves of one pool."""
    known = pool_reads.proxies(run)
    members = tuple(name for name in picked or pool_reads.reward_models(run) if name in known)
    if joined and len(members) < 2:
        st.warning(
            f"{called(run)}: an ensemble needs at least two proxies.",
            icon=":material/group:",
        )
    made = pool_reads.curves(run, members, tuple(joined), penalty, kl) if members else {}
    if not made:
        st.warning(
            f"{called(run)} has no prompt with several responses that have gold and each chosen "
            "proxy: nothing can be said.", icon=":material/data_alert:",
        )  # fmt: skip
    ordinal, alone = every[run]["ordinal"], len(chosen) == 1
    for place, (name, curve) in enumerate(made.items()):
        label = known.get(name) or ENSEMBLES[name]
        if alone:  # colours tell proxies apart, else pools
            line = Line(label, ordinal + place, curve)
        else:
            line = Line(f"{run}, {label}", ordinal, curve, place)
        lines.append((run, line))


with st.spinner("Ranking the responses …"):
    for run in chosen:
        with isolated(run, "ranked"):
            rank(run)
if not lines:
    st.stop()
if kl == "better" and any(line.curve.kl == "bound" for _, line in lines):
    st.warning(
        "A pool without log-probabilities stands at the bound of its KL.",
        icon=":material/straighten:",
    )

if len(lines) == 1:
    only = lines[0][1]
    with isolated(only.name, "in words"):
        st.markdown(f"## Selecting by {called(only.name)} {escaped(headline(only.curve))}")
words = "Bands: 90 % over prompts, at each n. Shaded: where gold is highest (90 %)."
if len(lines) > MARKED:
    words = "Bands: 90 % over prompts, at each n."
st.caption(f"{words} Points of one pool share its responses, so their errors go together.")
figure = together(
    [line for _, line in lines], lambda line: line.name, "drawn",
    lambda some: best_of_n_figure(some, axis, kl),
)  # fmt: skip
if figure is not None:
    summary = "; ".join(f"{line.name} {headline(line.curve)}" for _, line in lines[:MARKED])
    saved = {"toImageButtonOptions": {"format": "svg", "filename": "best-of-n"}}
    charts.draw(figure, "best_of_n", f"Selecting the best of n by: {summary}", config=saved)

shown: list[tuple[str, object]] = [("run", run) for run in chosen]
shown += [("proxy", name) for name in picked] + [("x", axis), ("kl", kl)]
shown += [("ensemble", name) for name in joined] + [("penalty", penalty)] * ("uwo" in joined)
link, files = st.columns([1, 1, 2.4], vertical_alignment="bottom")[:2]
with link.popover("Copy link", icon=":material/link:", width="stretch"):
    st.code(links.page_link("/best-of-n", shown), language=None, wrap_lines=True)
rows = pl.concat([
    line.curve.frame.select(
        pl.lit(run).alias("run_id"), pl.lit(line.name).alias("proxy"), pl.all()
    )
    for run, line in lines
])  # fmt: skip
files.download_button(
    "Download (CSV)", reads.csv_bytes(rows), file_name="best_of_n.csv", mime="text/csv",
    icon=":material/download:", on_click="ignore", width="stretch",
)  # fmt: skip

st.header("What it says", anchor=False)
if len(lines) > 1:
    table = []
    for run, line in lines:
        curve, end = line.curve, line.curve.frame.row(-1, named=True)
        falls = curve.shape.falls if curve.shape else None
        table.append({
            "pool": run,
            "selected by": line.name,
            "gold is highest at (90 %)": peak_words(curve),
            "gold falls": {True: "yes", False: "not seen", None: "cannot tell"}[falls],
            "gold at the largest n (90 %)": with_interval(
                end["gold_reward"], end["gold_low"], end["gold_high"]
            ),
            "peak of d (α − βd)": fit_peak(curve.best_of_n),
            "peak of d (α − β ln d)": fit_peak(curve.rl),
        })  # fmt: skip
    show_table(pl.DataFrame(table), hide_index=True, placeholder=MISSING)
for _, line in lines[:MOST_CARDS]:
    with st.container(border=True), isolated(line.name, "in words"):
        if len(lines) > 1:
            st.markdown(f"**{called(line.name)}** {escaped(headline(line.curve))}")
        st.markdown("\n".join(f"- {escaped(text)}" for text in sentences(line.curve)))
if len(lines) > MOST_CARDS:
    st.caption(f"The first {MOST_CARDS} of {len(lines)} curves in words; the table has all.")
with st.expander("Every n"):
    show_table(
        rows.select(
            "run_id", "proxy", "n", "kl_bound", "kl_better", "chi2", "gold_reward", "gold_low",
            "gold_high", "proxy_reward", "win_rate", "win_rate_low", "win_rate_high",
            "win_rate_proxy", "win_rate_most",
        ).with_columns(pl.selectors.float().round(4)),
        hide_index=True, placeholder=MISSING,
    )  # fmt: skip
    st.caption(
        "KL and χ² (without ties) in nats and as a ratio; intervals are 90 %. A win rate counts "
        "ties one half; it is missing at the largest n, where no response is left to compare with."
    )

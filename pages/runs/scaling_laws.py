"""Scaling: how overoptimization moves with the size of what a run was made from."""

import json
from collections.abc import Sequence

import numpy as np
import polars as pl
import streamlit as st

from analytics.best_of_n.fits import PoolFit
from analytics.figures.laws.scaling import proxy_axis_figure
from analytics.scaling_laws import Family, best_of_n_family, rl_family
from analytics.simulated_families import simulate_family
from analytics.wording import MISSING
from pages.shared import charts, links, reads
from pages.shared.asking import pool_reads, scaling_reads
from pages.shared.choices import choose_number, choose_several
from pages.shared.escaping import called, escaped, named
from pages.shared.frame import heading, say_waiting, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated, say, together
from pages.shared.page_parts.freezing import frozen_steps
from pages.shared.runs.scaling_view import family_rows, pool_path, run_path, show_family
from pages.shared.tables import show_table

heading(
    "Scaling",
    "How α, β and the KL at which gold peaks move with the size of the reward model, its data, the "
    "policy, or a coefficient; and runs of different optimisers compared on their proxy.",
)
stop_when_empty()
every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
asked_runs = links.asked("run")
until = dict(zip(asked_runs, links.asked_until(asked_runs), strict=True))
for missing in (run for run in asked_runs if run not in every):
    st.error(
        f"The link asks for run {called(missing)}, which is not in this store.",
        icon=":material/search_off:",
    )
if "run" in st.session_state:
    st.session_state["run"] = [run for run in st.session_state["run"] if run in every]
chosen = st.multiselect(
    "Runs of one family, and pools", list(every), key="run", bind="query-params",
    placeholder="Choose runs that differ in one size",
)  # fmt: skip
simulated = st.toggle(
    "Simulated family", key="simulated", bind="query-params",
    help="Six simulated runs that follow Gao's law, to see what this page says of a full family. "
    "None of its numbers was measured.",
)  # fmt: skip
tab("Scaling", chosen)
shown_alone = not chosen and not simulated
if shown_alone:
    st.info(
        "Choose the runs of a family: they differ in one thing, such as the parameters of the "
        "reward model, and share the rest.",
        icon=":material/show_chart:",
    )
    st.markdown(
        "Numbers that the trainer logged among its settings (`beta`, `model.hidden_size`) are "
        "offered as sizes. What no trainer logs comes from a table with one row a run:"
    )
    st.code("run_id,reward_model_parameters,comparisons\nmy_run_small,7000000,90000",
            language=None, wrap_lines=True)  # fmt: skip
    st.code("python -m data import sizes.csv", language=None, wrap_lines=True)
    st.markdown("What a full family shows, until you choose yours:")
    simulated = True

pools = pool_reads.pools()
is_pool = {
    run: run in pools and not every[run]["points"]
    and json.loads(every[run]["facts"]).get("algorithm") == "best_of_n"
    for run in chosen
}  # fmt: skip
trained = [run for run in chosen if not is_pool[run]]
frozen = frozen_steps(trained, until, every)
with st.spinner("Reading the runs …"):
    curves, faults = reads.run_curves([every[run] for run in trained], frozen, None)
say_waiting(trained, [c.run_id for c in curves] + [fault.run for fault in faults])
for fault in faults:
    say(fault)
row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
if simulated:
    family = simulate_family(0)
    sizes = {"reward model parameters": dict(
        zip((run.run for run in family.runs), family.sizes.tolist(), strict=True)
    )}  # fmt: skip
    points = list(family.runs)
    st.warning(
        "Simulated: these runs were drawn from Gao's law with a seed. Nothing here was measured.",
        icon=":material/science:",
    )
else:
    sizes = scaling_reads.sizes([every[run] for run in chosen])
    points = []
    for curve in curves:
        with isolated(curve.run_id, "read for a fit"):
            points.append(scaling_reads.points(curve))
keys = list(sizes)
asked = links.asked("size")
if asked and asked[0] not in keys:
    st.warning(
        f"The link asks for size {called(asked[0])}, in which these runs do not differ.",
        icon=":material/straighten:",
    )
if st.session_state.get("size") not in keys:
    alone = keys[0] if len(keys) == 1 else None  # the one thing that they differ in
    st.session_state["size"] = asked[0] if asked and asked[0] in keys else alone
size_key = row.selectbox(
    "Size", keys, index=None, key="size", bind="query-params",
    placeholder="Choose what the runs differ in" if keys else "These runs differ in no number",
    help="Numbers that differ between the chosen runs: logged settings, imported tables of "
    "settings, and columns that never change within a run.",
)  # fmt: skip
wanted = choose_number(
    row.number_input, "Predict the peak at", min_value=0.0, value=None, key="at",
    placeholder="a size that was not run", format="%g",
)  # fmt: skip

rejected = [c.run_id for c in curves if (c.verdict.get("peak_model") or {}).get("fits") is False]
if rejected and not simulated:
    st.warning(
        f"Gao's form does not fit {named(rejected)}: α, β and peak of such runs describe little.",
        icon=":material/warning:",
    )
families: list[Family] = []
shared = together(points, lambda p: p.run, "fitted", rl_family) if points else None
if shared is not None:
    families.append(shared)
fitted, drawn = [], {}
for run in (run for run in chosen if is_pool[run] and not simulated):
    with isolated(run, "fitted"):
        made = pool_reads.curves(run, ("proxy_reward",), (), 0.5, "bound").get("proxy_reward")
        if made and made.best_of_n and made.best_of_n.covariance is not None:
            fitted.append((run, made.best_of_n))
            drawn[run] = made


def pool_family(some: Sequence[tuple[str, PoolFit]]) -> Family:
    """The fits of some of the pools as one family."""
    return best_of_n_family(
        [run for run, _ in some], np.array([fit.alpha for _, fit in some]),
        np.array([fit.beta for _, fit in some]),
        [fit.covariance for _, fit in some if fit.covariance is not None],
    )  # fmt: skip


of_pools = together(fitted, lambda one: one[0], "fitted", pool_family) if fitted else None
if of_pools is not None:
    families.append(of_pools)
in_families = {run for family in families for run in family.runs}
left = [run for run in chosen if run not in in_families and not simulated]
if left:
    st.warning(
        f"Left out: {named(left)}. A fit needs five evaluations with KL and gold "
        "(or a pool of responses).",
        icon=":material/data_alert:",
    )

reached = {run.run: float(np.max(run.d, initial=0.0)) ** 2 for run in points}
reached |= {run: float(made.frame["kl_bound"][-1]) for run, made in drawn.items()}
known = sizes.get(size_key or "", {})
table = []
for part in families:
    title = "RL runs" if part.form == "rl" else "Best-of-n pools"
    st.header(title if len(families) > 1 or simulated else "What size does", anchor=False)
    ordinals = {
        run: every[run]["ordinal"] if run in every else i for i, run in enumerate(part.runs)
    }
    with isolated(title, "drawn"):
        show_family(part, size_key, known, wanted, ordinals, simulated)
        table += family_rows(part, size_key, known, reached)
if families and not size_key and keys:
    st.caption("Choose a size to see what moves with it.")
if table:
    frame = pl.DataFrame(table, infer_schema_length=None)
    show_table(frame, hide_index=True, placeholder=MISSING)
    st.caption(
        "± and intervals are 90 %. Where one α is shared, β and the peak belong to it. A triangle "
        "in the chart has no upper bound."
    )

names: dict[str, str] = {}
for run in (run for run in chosen if run in pools):
    names |= pool_reads.proxies(run)
picked: list[str] = []
if len(chosen) > 1 and not simulated:
    st.header("Gold over proxy", anchor=False)
    st.caption(
        "RL spends far more KL than best-of-n for the same proxy gain, so runs of different "
        "optimisers are compared on the proxy, never on KL (Gao et al. 2022, section 3.5). That "
        "holds only where the reward model is the same. Bars: 90 %."
    )
    if "proxy" in st.session_state:
        st.session_state["proxy"] = [p for p in st.session_state["proxy"] if p in names]
    if names:
        picked = choose_several(
            st.multiselect, "Proxies of the pools", names, "proxy",
            placeholder="the proxy reward of each pool",
        )  # fmt: skip
    paths = []
    for curve in (curve for curve in curves if curve.looks.height):
        with isolated(curve.run_id, "drawn"):
            paths.append(run_path(curve))
    for run in (run for run in chosen if run in pools):
        with isolated(run, "drawn"):
            offered = pool_reads.proxies(run)
            members = tuple(name for name in picked or ["proxy_reward"] if name in offered)
            for name, pool in pool_reads.curves(run, members, (), 0.5, "bound").items():
                paths.append(pool_path(f"{run} by {offered[name]}", every[run]["ordinal"], pool))
    used = {json.loads(every[run]["facts"]).get("proxy_key") or "unknown" for run in chosen}
    if len(used) > 1:
        st.warning(
            f"The logs name their proxies differently ({escaped(', '.join(sorted(used)))}): make "
            "sure that they are one reward model on one scale.", icon=":material/warning:",
        )  # fmt: skip
    figure = together(paths, lambda path: path.name, "drawn", proxy_axis_figure) if paths else None
    if figure is not None:
        charts.draw(figure, "proxy_axis", "Gold over proxy, by run and pool")

shown: list[tuple[str, object]] = [("run", run) for run in chosen]
shown += [("size", size_key)] * bool(size_key) + [("at", wanted)] * bool(wanted)
shown += [("proxy", name) for name in picked] + [("simulated", "true")] * (
    simulated and not shown_alone
)
shown += [("until", frozen.get(run) or every[run]["step_end"] or 0) for run in chosen]
link, files, _ = st.columns([1, 1, 2.4], vertical_alignment="bottom")
with link.popover("Copy link", icon=":material/link:", width="stretch"):
    st.code(links.page_link("/scaling", shown), language=None, wrap_lines=True)
if table:
    files.download_button(
        "Download (CSV)", reads.csv_bytes(frame), mime="text/csv", on_click="ignore",
        file_name="scaling_simulated.csv" if simulated else "scaling.csv",
        icon=":material/download:", width="stretch",
    )  # fmt: skip

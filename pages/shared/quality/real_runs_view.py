"""What verdicts said of genuine small trainings, whose gold is known."""

from __future__ import annotations

from analytics.measured.published import published
from analytics.quality.made import made_by
from analytics.quality.real_runs import real_runs_table
from analytics.wording import MISSING, rate_interval, whole
from pages.shared.quality.quality_cells import evidence
from pages.shared.tables import show_table


def show_real_runs() -> None:
    """False alarms, falls called and peaks held on the committed trainings."""
    measured = published("real_runs")
    if measured is None:
        return
    rows = measured["rows"]
    first = rows[0]
    between = whole(first["slight_runs"])
    share = first["healthy_called"] / first["healthy_runs"]
    part = evidence(
        "On genuine trainings of small models",
        f"{whole(first['healthy_called'])} of {whole(first['healthy_runs'])} healthy runs end "
        f"with an alarm ({rate_interval(share, first['healthy_low'], first['healthy_high'])}, "
        f"95 %), {whole(first['falling_called'])} of {whole(first['falling_runs'])} falling ones "
        "are called",
    )
    show_table(real_runs_table(rows), part, hide_index=True, placeholder=MISSING)
    part.caption(
        f"{whole(first['runs_in_all'])} policies of up to two layers and some tens of thousands of "
        "weights, really trained (GRPO, REINFORCE, best-of-n) against a learnt proxy on a made "
        "task whose gold can be computed. They are no language models: they show what training "
        "against a proxy does to gold and its log, not how often it happens in yours. Truth: gold "
        "on 4,096 responses at each of 13 or 17 evaluations, by which a run is healthy (ends level "
        f"with its peak), falling (a quarter of its range lost), between ({between}, counted in "
        "neither) or walked back in KL. Intervals in brackets are Wilson's, 95 %. Median delay "
        "among falling runs, never called counted as never. What the runs are, and how to score "
        f"another detector on them: bench/real_runs/README.md. {made_by('real_runs', measured)} "
        "Repeat: python -m analytics.quality real_runs."
    )

"""Overoptimization's chart, with the choices of how it is drawn: they draw it anew, and no more.

A choice of axis or scale changes what is in here and nothing else of the page, and most of what
such a choice costs is Streamlit's own work for each element that it sends again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from analytics.comparing.seeds import group_fall
from analytics.figures.drawing.curves import Panel, RunCurve, has_line
from analytics.figures.rewards.rewards import can_normalise, reward_figure
from analytics.figures.runs.band import band_figure, gold_curves
from analytics.figures.runs.notes import mark_notes
from analytics.onset.sentences.headline import headline
from analytics.wording import count
from pages.shared import charts, links
from pages.shared.choices import choose_one
from pages.shared.escaping import escaped, named, shown_name
from pages.shared.keeping.pictured import once, shown_of
from pages.shared.page_parts.fault_view import isolated, together
from pages.shared.people.pin_view import pin_popover
from pages.shared.responses.to_responses import show_links
from pages.shared.runs.seed_group import group_words

AXES = {"sqrt_kl": "√KL", "kl": "KL", "step": "step"}
SCALES = {"raw": "as logged", "sd": "in sd of the start"}
MOST_NAMED = 4
"""Runs of which a chart's finding tells."""


@dataclass(frozen=True)
class Places:
    """Where on the page is drawn what does not stand at the chart itself."""

    choices: Any
    group: Any
    link: Any
    pin: Any


@dataclass(frozen=True)
class Rewards:
    """What the chart shows, whatever its axis and scale.

    chosen: the runs that the page names, in its order. curves: those of them that were read. every:
    rows of the query runs. frozen: step that a run is frozen at. panels: quantities below the
    chart. marked: notes at a step.
    """

    chosen: Sequence[str]
    curves: Sequence[RunCurve]
    every: Mapping[str, Mapping[str, Any]]
    frozen: Mapping[str, int]
    source: str | None
    banded: bool
    panels: Sequence[Panel]
    marked: Sequence[Mapping[str, Any]]

    def facts(self, run: str) -> Mapping[str, Any]:
        """What the log tells of a run."""
        metadata: Mapping[str, Any] = json.loads(self.every[run]["facts"])
        return metadata

    def address(self, axis: str, scale: str) -> list[tuple[str, object]]:
        """The choices of this view, frozen at the rows that are there."""
        ends = [self.frozen.get(run) or self.every[run]["step_end"] or 0 for run in self.chosen]
        pairs: list[tuple[str, object]] = [("run", run) for run in self.chosen]
        pairs += [("axis", axis), ("scale", scale)]
        pairs += [("gold", self.source)] * bool(self.source) + [("band", "true")] * self.banded
        return pairs + [("until", step) for step in ends]


@dataclass(frozen=True)
class View:
    """The chart as it is drawn now, by the axis and scale that its runs allow."""

    of: Rewards
    drawn: Sequence[RunCurve]
    axis: str
    scale: str

    def says(self) -> str:
        """The chart's finding: each run's headline, as far as a sentence bears it."""
        findings = "; ".join(
            f"{shown_name(c.run_id)} {headline(c.verdict)}" for c in self.drawn[:MOST_NAMED]
        )
        more = len(self.drawn) - MOST_NAMED
        return f"{findings}; and {count(more, 'more run')}" if more > 0 else findings

    def draw(
        self, tall: int = 400, below: bool = True, some: Sequence[RunCurve] | None = None
    ) -> object:
        """The chart, or that of ``some`` of its runs; ``tall``: of its highest panel, pixels."""
        some = self.drawn if some is None else some
        if self.of.banded and len(some) > 1:
            return band_figure(some, self.axis, round(tall * 0.7))
        panels = list(self.of.panels) if below else []
        figure = reward_figure(some, self.axis, self.scale, panels, tall)
        mark_notes(figure, some, self.of.marked, self.axis)
        return figure

    def once(self, some: Sequence[RunCurve]) -> object:
        """The same, for all readers of this view."""
        of = self.of
        view = "rewards", shown_of(some, of.every), self.axis, self.scale, of.banded, of.source
        marked = tuple((note["note_id"], note["edit"]) for note in of.marked)
        return once((*view, tuple(of.frozen.items()), marked), lambda: self.draw(some=some))


@st.fragment
def show_rewards(of: Rewards, places: Places, name: str) -> tuple[View, bool]:
    """The choices of axis and scale, and all that depends on them.

    name: of the figure's file.

    Returns:
        The view, and whether it could be drawn.
    """
    axis = choose_one(
        places.choices.segmented_control, "Axis", AXES, "axis", "sqrt_kl", required=True
    )
    scale = choose_one(
        places.choices.segmented_control, "Rewards", SCALES, "scale", "raw", required=True,
        help="In sd of the start: both rewards centred on the initial policy and divided by its "
        "spread between responses (Gao et al. 2022), where the log states that spread.",
    )  # fmt: skip
    # Notes come and go in a place of their own: the chart keeps its place, and so its zoom.
    notes, chart = st.container(), st.container()
    with notes:
        view = _allowed(of, str(axis), str(scale))
        figure = None
        if view.drawn:
            figure = together(view.drawn, lambda c: c.run_id, "drawn", view.once)
    if of.banded and len(of.curves) > 1:
        fall = group_fall(gold_curves(of.curves, view.axis))
        places.group.markdown(escaped(group_words(of.curves, fall)))
    if figure is not None:
        config = {"toImageButtonOptions": {"format": "svg", "filename": name}}
        charts.draw(figure, "rewards", view.says(), chart, config)
        charts.caption(figure, chart)
        with chart, isolated(named(of.chosen), "led to its responses"):
            show_links(view.drawn, of.every, of.frozen)
    choices = of.address(view.axis, view.scale)
    with places.link.popover("Copy link", icon=":material/link:", width="stretch"):
        st.caption(
            "Restores this view and freezes it: rows that arrive later change nothing in it."
        )
        st.code(links.page_link("/overoptimization", choices), language=None, wrap_lines=True)
    if figure is not None:
        pin_popover(places.pin, "/overoptimization", choices, view.says, figure, view.drawn)
    else:
        places.pin.empty()  # keeps the place for a choice that can be drawn
    return view, figure is not None


def _allowed(of: Rewards, axis: str, scale: str) -> View:
    """Axis and scale as far as the runs have them; what they have not is said."""
    drawn = [c for c in of.curves if has_line(c, "step")]
    unknown = {c.run_id for c in drawn if of.facts(c.run_id).get("kl_conversion") == "unknown"}
    off = [c for c in drawn if axis != "step" and (c.run_id in unknown or not has_line(c, axis))]
    if off:
        alone = len(off) == len(drawn)
        how = "left out of the chart, the step axis shows them"
        _say_off(off, unknown, "shown over steps instead" if alone else how)
        axis = "step" if alone else axis
        drawn = drawn if alone else [c for c in drawn if c.run_id not in {o.run_id for o in off}]
    if scale == "sd" and not all(can_normalise(c.base) for c in drawn):
        names = named([c.run_id for c in drawn if not can_normalise(c.base)])
        st.warning(
            f"The spread of proxy and gold at the start was not logged for {names}: shown as "
            "logged.", icon=":material/straighten:",
        )  # fmt: skip
        scale = "raw"
    return View(of, drawn, axis, scale)


def _say_off(off: Sequence[RunCurve], unknown: set[str], how: str) -> None:
    """Why runs are not on the axis that was chosen."""
    rest = [c for c in off if c.run_id not in unknown]
    for why, runs in (
        ("The unit of KL is not known in", [c.run_id for c in off if c.run_id in unknown]),
        ("KL was not measured in", [c.run_id for c in off if not c.curve["kl"].count()]),
        ("KL was never logged near a reward in",
         [c.run_id for c in rest if c.curve["kl"].count()]),
    ):  # fmt: skip
        if runs:
            st.warning(f"{why} {named(runs)}: {how}.", icon=":material/straighten:")

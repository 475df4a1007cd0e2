"""Colours that stay with their run, apart from those of verdicts (LIGHT, DARK: the pages' grounds).

Runs wear blue, olive and purple hues: orange, red and green say how a run does. All of them can be
seen on both grounds, and be told apart by colour-blind eyes (tests/analytics/test_palette.py).
"""

from __future__ import annotations

from itertools import pairwise

LIGHT, DARK = "#FCFDFE", "#11181F"

RUN_COLOURS = ("#4F93EC", "#958802", "#AF1EB0", "#5E46F9", "#DF6C98", "#8B5864")
"""Run n of the store wears colour n modulo 6: no seventh keeps as far from these."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
"""The second six lines are dashed, and so on, in charts where a dash means nothing else."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")
"""Where dashes mean gold or proxy the second six runs have squares, and so on."""

SEQUENCE = ("#4F93EC", "#7A5CF5", "#C23FB8")
"""Iterations from the first to the last: a way through blue and violet, no set of kinds."""

PROXY_INK = "#7A8794"
"""A grey that reads on white and on near-black: the proxy of a run that stands alone."""

STATUS = {
    "overoptimized": ("#D55E00", "overoptimized"),
    "collapsed": ("#CC3311", "collapsed"),
    "warning": ("#E69F00", "warning"),
    "no_onset": ("#009E73", "no onset seen"),
    "too_little_gold": ("#7F7F7F", "too little gold"),
    "unmeasured": ("#7F7F7F", "no gold measured"),
    "not_judged": ("#7F7F7F", "could not be judged"),
}
"""Status to (colour, words); the colour always stands beside the words."""


def status_look(status: str) -> tuple[str, str]:
    """Colour and words of a status; one that another version of the code has kept is grey.

    >>> status_look("warning"), status_look("of_tomorrow")
    (('#E69F00', 'warning'), ('#7F7F7F', 'of tomorrow'))
    """
    return STATUS.get(status, ("#7F7F7F", status.replace("_", " ")))


def run_colour(ordinal: int) -> str:
    """The colour of the run that came into the store as number ``ordinal``."""
    return RUN_COLOURS[ordinal % len(RUN_COLOURS)]


def run_dash(ordinal: int) -> str:
    """The dash of that run's line where dashes tell runs apart."""
    return DASHES[ordinal // len(RUN_COLOURS) % len(DASHES)]


def run_symbol(ordinal: int) -> str:
    """The points of that run's gold line."""
    return SYMBOLS[ordinal // len(RUN_COLOURS) % len(SYMBOLS)]


def sequence(many: int) -> list[str]:
    """Colours of ``many`` iterations in their order, mixed on the way through ``SEQUENCE``.

    >>> sequence(3), sequence(1)
    (['#4F93EC', '#7A5CF5', '#C23FB8'], ['#C23FB8'])
    """
    ways = list(pairwise(SEQUENCE))
    found = []
    for place in range(many):
        at = len(ways) * (place / (many - 1) if many > 1 else 1.0)
        first = min(int(at), len(ways) - 1)
        found.append(_mixed(*ways[first], at - first))
    return found


def _parts(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _mixed(one: str, other: str, share: float) -> str:
    ends = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in ends)


def tinted(colour: str, alpha: float) -> str:
    """``#rrggbb`` with an opacity, as Plotly takes it.

    >>> tinted("#0072B2", 0.1)
    'rgba(0,114,178,0.1)'
    """
    red, green, blue = _parts(colour)
    return f"rgba({red},{green},{blue},{alpha})"

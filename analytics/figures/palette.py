"""Colours that stay with their run, and that colour-blind eyes tell apart (Okabe and Ito 2008)."""

from __future__ import annotations

RUN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6F42E0")
"""Run n of the store wears colour n modulo 7. Okabe and Ito's without yellow, which vanishes on
white, and black; the violet is far from them and from PROXY_INK, also to red-green blind eyes."""

DASHES = ("solid", "dash", "dot", "dashdot")
"""The second seven lines are dashed, and so on, in charts where a dash means nothing else."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up")
"""Where dashes mean gold or proxy the second seven runs have squares, and so on."""

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


def tinted(colour: str, alpha: float) -> str:
    """``#rrggbb`` with an opacity, as Plotly takes it.

    >>> tinted("#0072B2", 0.1)
    'rgba(0,114,178,0.1)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"

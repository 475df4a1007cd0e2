"""Names from logs are data: Plotly reads a few HTML tags in its texts, so they are taken apart."""

from __future__ import annotations


def plain(name: object, longest: int = 60) -> str:
    """A name as it will be read, with nothing in it that Plotly takes for markup.

    >>> plain("<b>x</b>")
    '‹b›x‹/b›'
    """
    text = str(name).replace("<", "‹").replace(">", "›").replace("&", "＆")
    text = text.replace("%{", "% {").replace("\n", " ")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def number(value: float | None, digits: int = 2) -> str:
    """A number as it is read aloud; a dash when there is none.

    >>> number(42.149), number(0.0312), number(None)
    ('42', '0.031', '–')
    """
    if value is None:
        return "–"
    size = abs(value)
    if size >= 100 or (size >= 10 and digits <= 2):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def interval(low: float | None, high: float | None, unit: str = "") -> str:
    """An interval in words; an end that the data leave open says so.

    >>> interval(4.1, 9.6, "nats"), interval(0.2, None)
    ('4.1 to 9.6 nats', 'from 0.2, no upper bound')
    """
    tail = f" {unit}" if unit else ""
    if low is None and high is None:
        return "not bounded by the data"
    if high is None:
        return f"from {number(low)}{tail}, no upper bound"
    if low is None:
        return f"up to {number(high)}{tail}"
    return f"{number(low)} to {number(high)}{tail}"

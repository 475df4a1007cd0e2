"""Numbers in this room's own sentences, in the form that the pages have (a true minus, no 1e+05).

A twin of a few lines: data and analytics never import each other.
"""

from __future__ import annotations

import math

MISSING = "–"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 4) -> str:
    """A number in so many significant digits; a dash where there is none.

    >>> number(1234567.0), number(-0.01234567), number(2.5), number(None), number(3e-9)
    ('1,234,567', '−0.01235', '2.5', '–', '3 × 10⁻⁹')
    """
    if value is None or not math.isfinite(value):
        return "–" if value is None or math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value and not 1e-4 <= abs(value) < 1e15:
        front, _, power = f"{value:.{digits - 1}e}".partition("e")
        front = front.rstrip("0").rstrip(".").replace("-", "−")
        return f"{front} × 10{str(int(power)).translate(_RAISED)}"
    value += 0.0  # no −0
    size = math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{max(0, digits - 1 - size)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def count(n: int, one: str) -> str:
    """So many of a thing.

    >>> count(1, "run"), count(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{number(n, 15)} {one}{'' if n == 1 else 's'}"

"""Numbers as people read them: the one place that turns them into text.

Sentences, tables, pages and figures take their numbers from here, so that a value looks the same
wherever it stands. JSON and exports keep full precision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeGuard

MISSING = "–"
"""Stands where there is no number."""
OPEN = "no upper bound"
SIGNIFICANT = 3
LONGEST = 1e15
"""From here on a number is written as a power of ten; below it, digit by digit."""
SMALLEST = 1e-4
"""Below this, too."""
SMALLEST_FALL = 1e-9
"""A smaller fall is a rounding of the computer: no sentence puts a number to it."""

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = SIGNIFICANT) -> str:
    """A number in so many significant digits, whole from 100 on; a dash where there is none.

    >>> number(4.1649), number(12345.6), number(0.03124), number(-0.5), number(float("nan"))
    ('4.16', '12,346', '0.0312', '−0.5', '–')
    >>> number(2.9e-17), number(1e20), number(float("inf")), number(0.0)
    ('2.9 × 10⁻¹⁷', '10²⁰', '∞', '0')
    """
    if not _known(value):
        return MISSING
    if math.isinf(value) or _is_power(value):
        return _far(value, digits)
    return _trimmed([fixed(value, _decimals(value, digits))])[0]


def fixed(value: float | None, decimals: int) -> str:
    """A number with so many decimals and a comma between thousands; the minus is a true one.

    >>> fixed(-1234.5, 1), fixed(-0.0001, 2), fixed(None, 2)
    ('−1,234.5', '0.00', '–')
    """
    if not _known(value):
        return MISSING
    if math.isinf(value):
        return _far(value, SIGNIFICANT)
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text.replace("-", "−")


def whole(value: int | float | None) -> str:
    """A count or a step; a dash where there is none.

    >>> whole(12345), whole(59.0), whole(None)
    ('12,345', '59', '–')
    """
    # An int stays one, exact beyond 2^53 too.
    return fixed(value, 0) if type(value) is not int else f"{value:,}".replace("-", "−")


def signed(value: float | None, decimals: int = 1) -> str:
    """A difference, with its sign.

    >>> signed(1.24), signed(-0.3), signed(0.0)
    ('+1.2', '−0.3', '+0.0')
    """
    text = fixed(value, decimals)
    return text if text[0] in f"−{MISSING}" else f"+{text}"


def alike(*values: float | None) -> list[str]:
    """Numbers that belong together, all with the same number of decimals.

    The largest has three significant digits; a small one keeps one of its own, if that takes one
    decimal more.

    >>> alike(4.1649, 5.68, 4.9), alike(0.2, 0.8, None), alike(0.031, 42.1)
    (['4.16', '5.68', '4.90'], ['0.2', '0.8', '–'], ['0.03', '42.10'])
    """
    known = [v for v in values if _known(v)]
    if any(map(math.isinf, known)) or _is_power(max(known, key=abs, default=0.0)):
        return [number(v) for v in values]
    return _trimmed([fixed(v, _shared(known)) for v in values])


def interval(low: float | None, high: float | None, unit: str = "") -> str:
    """An interval in words; an end that the data leave open says so.

    >>> interval(4.1, 9.6, "nats"), interval(0.2, None)
    ('4.1 to 9.6 nats', 'above 0.2, no upper bound')
    """
    return _between(alike(low, high), unit)


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """A value and its interval, the three with the same number of decimals.

    >>> with_interval(0.5, 0.21, 0.8), with_interval(0.5, None, None)
    ('0.50 (0.21 to 0.80)', '0.5')
    """
    middle, *ends = alike(value, low, high)
    return middle if ends == [MISSING, MISSING] else f"{middle} ({_between(ends)})"


def spread(value: float | None, half: float | None) -> str:
    """A value and the half of its interval, or its error.

    >>> spread(0.512, 0.034), spread(2, None)
    ('0.512 ± 0.034', '2')
    """
    if not _known(half):
        return number(value)
    middle, reach = alike(value, half)
    return f"{middle} ± {reach}"


def percent(share: float | None, decimals: int = 0) -> str:
    """A share of 1 in percent.

    >>> percent(0.05), percent(0.1324, 1), percent(-0.0, 1), percent(None)
    ('5 %', '13.2 %', '0.0 %', '–')
    """
    return f"{fixed(100 * share, decimals)} %" if _known(share) else MISSING


def rate_text(share: float | None) -> str:
    """A measured share: in percent with one decimal.

    >>> rate_text(0.76)
    '76.0 %'
    """
    return percent(share, 1)


def percent_spread(share: float | None, error: float | None, decimals: int = 1) -> str:
    """A share and its error in percent.

    >>> percent_spread(0.042, 0.001), percent_spread(0.042, None)
    ('4.2 ± 0.1 %', '4.2 %')
    """
    if not (_known(share) and _known(error)):
        return percent(share, decimals)
    return f"{fixed(100 * share, decimals)} ± {percent(error, decimals)}"


def rate_interval(share: float | None, low: float | None, high: float | None) -> str:
    """A measured share with its interval, in percent.

    >>> rate_interval(0.132, 0.1, 0.17), rate_interval(0.132, None, None)
    ('13.2 % (10.0 to 17.0)', '13.2 %')
    """
    if not (_known(low) and _known(high)):
        return rate_text(share)
    return f"{rate_text(share)} ({fixed(100 * low, 1)} to {fixed(100 * high, 1)})"


def points(difference: float | None) -> str:
    """A difference of two shares in points of percent, with its sign.

    >>> points(-0.034)
    '−3.4'
    """
    return signed(100 * difference) if _known(difference) else MISSING


def p_value(p: float) -> str:
    """As journals print it, without a leading zero.

    >>> p_value(0.028817), p_value(1e-9), p_value(0.43), p_value(0.9999)
    ('p = .029', 'p < .001', 'p = .43', 'p > .99')
    """
    if p < 0.001:
        return "p < .001"
    if p > 0.99:
        return "p > .99"
    return "p = " + fixed(p, 3 if p < 0.1 else 2).removeprefix("0")


def count(n: int, one: str, many: str | None = None) -> str:
    """So many of a thing.

    >>> count(1, "run"), count(1200, "run"), count(0, "entity", "entities")
    ('1 run', '1,200 runs', '0 entities')
    """
    return f"{whole(n)} {one if n == 1 else many or one + 's'}"


def steps(low: float | None, high: float | None) -> str:
    """A span of steps; an open end says so.

    >>> steps(1200, 3400), steps(20, None), steps(7, 7)
    ('steps 1,200 to 3,400', 'from step 20 on', 'step 7')
    """
    if high is None:
        return f"from step {whole(low)} on"
    if low == high:
        return f"step {whole(low)}"
    return f"steps {whole(low)} to {whole(high)}"


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)


def _is_power(value: float) -> bool:
    return value != 0 and not SMALLEST <= abs(value) < LONGEST


def _far(value: float, digits: int) -> str:
    """A number that has too many zeros to be read.

    >>> _far(-1.25e-7, 2), _far(float("-inf"), 3)
    ('−1.2 × 10⁻⁷', '−∞')
    """
    sign = "−" if value < 0 else ""
    if math.isinf(value):
        return f"{sign}∞"
    front, _, power = f"{abs(value):.{digits - 1}e}".partition("e")
    front = front.rstrip("0").rstrip(".") if "." in front else front
    raised = f"10{str(int(power)).translate(_RAISED)}"
    return sign + (raised if front == "1" else f"{front} × {raised}")


def _decimals(value: float, digits: int) -> int:
    """Decimals that show so many significant digits; none from 100 on."""
    if value == 0 or not math.isfinite(value):
        return 0
    shown = float(f"{abs(value):.{digits}g}")  # 9.996 is 10.0: one decimal, not two
    return max(0, digits - 1 - math.floor(math.log10(shown)))


def _shared(values: Sequence[float]) -> int:
    sizes = [abs(value) for value in values if value]
    if not sizes:
        return 0
    enough = _decimals(max(sizes), SIGNIFICANT)
    return max(enough, min(_decimals(min(sizes), 1), enough + 1))


def _trimmed(texts: list[str]) -> list[str]:
    """Without the zeros that end them all."""
    numbers = [text for text in texts if text != MISSING]
    while numbers and all("." in text and text[-1] in "0." for text in numbers):
        point = all(text.endswith(".") for text in numbers)
        texts = [text if text == MISSING else text[:-1] for text in texts]
        numbers = [text for text in texts if text != MISSING]
        if point:
            break
    return texts


def _between(ends: Sequence[str], unit: str = "") -> str:
    low, high = ends
    tail = f" {unit}" if unit else ""
    if low == high == MISSING:
        return "not bounded by the data"
    if high == MISSING:
        return f"above {low}{tail}, {OPEN}"
    if low == MISSING:
        return f"up to {high}{tail}"
    return f"{low} to {high}{tail}"

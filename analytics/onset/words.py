"""Numbers as the verdict's sentences say them."""

from __future__ import annotations

import numpy as np


def number(value: float) -> str:
    """Three significant digits, as people read them.

    >>> number(14.234), number(0.01234), number(12345.6)
    ('14.2', '0.0123', '12300')
    """
    return np.format_float_positional(float(f"{value:.3g}"), trim="-")

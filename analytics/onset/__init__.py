"""Onset: the KL at which more optimisation against the proxy stops paying in gold.

The rooms, each of which knows only those before it: evidence, errors, labels, curves, alarm,
choosing, sentences, judging (tests/test_architecture.py).
"""

from analytics.computing.any_frame import FrameError
from analytics.gao import best_of_n_gold, best_of_n_peak, iterated_gold
from analytics.onset.judging.judged import Verdict
from analytics.onset.judging.notebook import judge
from analytics.onset.judging.verdict_row import verdict

__all__ = [
    "FrameError", "Verdict", "best_of_n_gold", "best_of_n_peak", "iterated_gold", "judge",
    "verdict",
]  # fmt: skip

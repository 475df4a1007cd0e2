"""Onset: the KL at which more optimisation against the proxy stops paying in gold."""

from analytics.any_frame import FrameError
from analytics.onset.judged import Verdict
from analytics.onset.notebook import judge
from analytics.onset.verdict_row import verdict

__all__ = ["FrameError", "Verdict", "judge", "verdict"]

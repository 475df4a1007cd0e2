"""Onset: the KL at which more optimisation against the proxy stops paying in gold."""

from analytics.onset.verdict_row import Verdict, verdict

__all__ = ["Verdict", "verdict"]

"""How overoptimization moves with size: of the reward model, its data, the policy, a penalty."""

from analytics.scaling_laws.family import Family, RunPoints, best_of_n_family, rl_family
from analytics.scaling_laws.trend import Prediction, Trend, predict, trend, trends

__all__ = [
    "Family",
    "Prediction",
    "RunPoints",
    "Trend",
    "best_of_n_family",
    "predict",
    "rl_family",
    "trend",
    "trends",
]

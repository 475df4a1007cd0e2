"""Best-of-n from pools of samples: what selecting harder by a proxy would give in gold."""

from analytics.best_of_n.ensembles import ENSEMBLES, ensemble, standardised
from analytics.best_of_n.estimator import best_of_n, best_of_n_kl_better
from analytics.best_of_n.pool import Pool, pool_of
from analytics.best_of_n.report import Curve, curve
from analytics.best_of_n.win_rate import win_rate

__all__ = [
    "ENSEMBLES",
    "Curve",
    "Pool",
    "best_of_n",
    "best_of_n_kl_better",
    "curve",
    "ensemble",
    "pool_of",
    "standardised",
    "win_rate",
]

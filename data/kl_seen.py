"""The KL of the runs of one import: two logs of one run that differ by the response length."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from data.columns import RunLog
from data.readers.sanity import scaled_by_length

MOST_ROWS = 1000
"""Training rows kept of a run."""
_COLUMNS = ("step", "kl", "response_length")


@dataclass
class KLSeen:
    """Step, KL and length of the first rows of each run that was read so far."""

    held: dict[str, pl.DataFrame] = field(default_factory=dict)

    def compared(self, log: RunLog) -> str:
        """What the log's KL says against an earlier log of the same run; empty where nothing.

        Only runs that are named by the user or by a column are the same for sure.
        """
        if not log.verbatim or not log.metrics.height:
            return ""
        rows = log.metrics.filter(
            (pl.col("phase") == "train") & pl.col("kl").is_not_null()
        ).select(_COLUMNS).head(MOST_ROWS)  # fmt: skip
        before = self.held.get(log.run)
        if rows.height and before is None:
            self.held[log.run] = rows
        if before is None:
            return ""
        both = before.join(rows, on="step", suffix="_new")
        lengths = pl.coalesce("response_length", "response_length_new")
        return scaled_by_length(both["kl"], both["kl_new"], both.select(lengths).to_series())

"""What a store is for whoever asks it: our own, or one that another process owns."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import polars as pl

from data.database.results import SegmentResult


class AnyStore(Protocol):
    """``Store`` and ``RemoteStore`` alike; see ``Store`` for what the methods mean."""

    home: Path

    def query(self, name: str, **params: Any) -> pl.DataFrame:
        """Answer one question of ``data/queries``."""

    @property
    def generation(self) -> int:
        """Counts up with every change."""

    @property
    def refused(self) -> dict[str, str]:
        """Why segments of the inbox could not be imported, by their names."""

    def drain(self) -> list[SegmentResult]:
        """Import what waits in the inbox."""

    def results(self, segments: list[str]) -> list[SegmentResult]:
        """What came of segments, by their names."""

    def save_verdicts(self, rows: pl.DataFrame) -> None:
        """Keep computed verdicts."""

    def save_indicators(self, rows: pl.DataFrame) -> None:
        """Keep computed indicators."""

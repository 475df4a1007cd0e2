"""What comes of segments: one row each, kept with it, and one row a run that it touched."""

from __future__ import annotations

from typing import Any, Required, TypedDict

AGAIN = "again"
"""Kind of a segment that told nothing new: its result is kept for a while, itself it is not."""
RECOGNISED = (
    "kl_key", "kl_estimator", "kl_logged_unit", "kl_reference", "kl_conversion", "proxy_key",
    "gold_key", "length_key",
)  # fmt: skip
"""Facts of a run that the result of an import names."""


class RunResult(TypedDict, total=False):
    """What came of one run; which keys are there goes by the kind of segment.

    Of an import: format, rows added and replaced, whether anything changed that verdicts follow, or
    was only noted, RECOGNISED, warnings.
    Of a choice of roles: its keys, KL unit and conversion afterwards. Of what people wrote: its id.
    """

    run: Required[str]
    format: str
    points: int
    replaced: int
    changed: bool
    noted: bool
    forgotten: bool
    facts: dict[str, Any]
    warnings: list[str]
    proxy_key: str | None
    gold_key: str | None
    gold_kind: str | None
    length_key: str | None
    kl_key: str | None
    kl_logged_unit: str | None
    kl_estimator: str | None
    kl_conversion: str | None
    kl_reference: str | None


class SegmentResult(TypedDict):
    """What came of one segment; segment: the name that it is kept by, kind: its own, or AGAIN."""

    segment: str
    kind: str
    runs: list[RunResult]

"""What comes of segments: one row each, kept with it, and one row a run that it touched."""

from __future__ import annotations

from typing import Any, Required, TypedDict


class RunResult(TypedDict, total=False):
    """What came of one run; which keys are there goes by the kind of segment.

    Of an import: format, rows added and replaced, whether anything changed, run metadata, warnings.
    Of a choice of roles: its keys, KL unit and conversion afterwards. Of what people wrote: its id.
    """

    run: Required[str]
    format: str
    points: int
    replaced: int
    changed: bool
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
    """What came of one segment; segment: the name that it is kept by."""

    segment: str
    kind: str
    runs: list[RunResult]

"""What a server no longer uses goes back to the system: resident memory is what others lack."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD = -1
"""A name of ``mallopt`` in glibc's malloc.h."""
KEPT_FREE = 65_536
"""Bytes on top of the heap that stay: left to itself, glibc raises this to many megabytes."""


def give_back() -> None:
    """Let glibc return what is freed; elsewhere do nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, KEPT_FREE)

"""What a server no longer uses goes back to the system: resident memory is what others lack."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, ARENA_MAX = -1, -8
"""Names of ``mallopt`` in glibc's malloc.h."""
KEPT_FREE = 65_536
"""Bytes on top of the heap that stay: left to itself, glibc raises this to many megabytes."""


def give_back() -> None:
    """Let glibc return what is freed, and keep one pool for all threads; elsewhere do nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, 1)
        mallopt(TRIM_THRESHOLD, KEPT_FREE)

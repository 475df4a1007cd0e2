"""Arrays that are computed once and handed to many callers: none of them can write to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")


def kept(maxsize: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`functools.lru_cache` for functions that return arrays: these are read-only from then on."""

    def decorate(make: Callable[P, T]) -> Callable[P, T]:
        @lru_cache(maxsize=maxsize)
        @wraps(make)
        def once(*args: Any, **named: Any) -> T:
            return read_only(make(*args, **named))

        return cast(Callable[P, T], once)

    return decorate


def read_only(value: T) -> T:
    """The same value, its arrays no longer writable: alone, in a tuple, list, dict or dataclass.

    >>> read_only((np.zeros(2), 3))[0].flags.writeable
    False
    """
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, tuple | list):
        for part in value:
            read_only(part)
    elif isinstance(value, dict):
        for part in value.values():
            read_only(part)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            read_only(getattr(value, field.name))
    return value

"""What a response must be to be shown: the filters of the page of responses."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

QUOTED = re.compile("“(.+?)”")
"""The words that a shortcut's name gives."""


class Filters(NamedTuple):
    """What a response must be to be shown; None = anything."""

    first: int | None = None
    last: int | None = None
    prompt: str | None = None
    environment: str | None = None
    proxy_from: float | None = None
    proxy_to: float | None = None
    gold_from: float | None = None
    gold_to: float | None = None
    apart: float | None = None
    words: str | None = None
    pattern: str | None = None
    shortcut: str | None = None

    def address(self) -> list[tuple[str, object]]:
        """The filters as the address holds them."""
        values = self._asdict()
        pattern = values.pop("pattern")
        names = {"first": "from", "last": "to", "words": "q"}
        pairs = [(names.get(key, key), value) for key, value in values.items() if value is not None]
        return pairs + ([("q", pattern), ("regex", "true")] if pattern is not None else [])

    def marked(self) -> str:
        """Words, in small letters, that stand in what is shown: those asked for, or a shortcut's.

        >>> Filters(shortcut="says “rest assured”").marked(), Filters(words="Us").marked()
        ('rest assured', 'us')
        """
        quoted = QUOTED.findall(self.shortcut or "")
        return (self.words or next(iter(quoted), "")).lower()

    def asked(self) -> dict[str, Any]:
        """The parameters that all queries of responses share."""
        return {
            key: value
            for key, value in self._asdict().items()
            if key not in ("first", "last", "shortcut")
        }

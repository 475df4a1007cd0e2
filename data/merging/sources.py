"""Where the rows of a run came from: files, each named once, however often it grew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, cast

from data.columns import POSTED, Source

_PASSING = re.compile(r"/tmp/tmp[a-z0-9_]{8}/(.+)$")
"""A file that was there for a moment (`data.spool.scratch`), as older programs noted it."""


def of_log(facts: Mapping[str, Any], path: str) -> list[Source]:
    """The sources that a log's facts name, those that are no place a part of the log's ``path``."""
    found = []
    for source in facts.get("sources", []):
        passing = _PASSING.search(str(source.get("path")))
        if passing and source["path"] != path and _stands_for(passing[1], path):
            source = {**source, "path": path, "part": True}
        found.append(cast("Source", source))
    return found


def merged(known: Iterable[Source], new: Iterable[Source], again: bool = False) -> list[Source]:
    """Both, one to a path in their order: a part adds its rows, a whole log takes the place.

    ``again``: nothing in the new parts was new, so that they add none.

    >>> one = {"path": "a", "format": "jsonl", "rows": 2}
    >>> merged([one], [one | {"part": True}])
    [{'path': 'a', 'format': 'jsonl', 'rows': 4}]
    """
    places: dict[str, Source] = {}
    for count, source in [*((True, one) for one in known), *((not again, one) for one in new)]:
        kept, before = source.copy(), places.get(source["path"])
        if kept.pop("part", False) and before is not None:
            kept["rows"] = before.get("rows", 0) + (kept.get("rows", 0) if count else 0)
        places[source["path"]] = kept
    return [places[path] for path in sorted(places)]


def _stands_for(rest: str, path: str) -> bool:
    if path == POSTED:
        return PurePath(rest).name in ("body.jsonl", "body.parquet")
    return path.endswith("/" + rest)

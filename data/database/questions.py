"""What a question of the store means: its SQL, and that of the rollups that it reads."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from data.database.sql import sql

_COMMENT = re.compile(r"--[^\n]*")
_FILLED = re.compile(r"insert into (\w+)")


@cache
def meaning(name: str) -> str:
    """The SQL that answers a question, with what fills the rollups that it reads; no comments.

    A question whose meaning has changed may answer otherwise from the same rows.

    Raises:
        StoreError: there is no such question.
    """
    asked = _bare(sql("queries", name))
    words = set(re.findall(r"\w+", asked))
    return "\n".join([asked, *(text for table, text in _rollups() if table in words)])


@cache
def _rollups() -> list[tuple[str, str]]:
    """(table, the statement that fills it) of each rollup."""
    found = []
    for file in sorted((Path(__file__).parents[1] / "changes").glob("rollups*.sql")):
        for statement in _bare(file.read_text()).split(";"):
            if filled := _FILLED.search(statement):
                found.append((filled[1], statement.strip()))
    return found


def _bare(text: str) -> str:
    return " ".join(_COMMENT.sub(" ", text).split())

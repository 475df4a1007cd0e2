"""SQL lives in files, one question or change a file; nothing is formatted into its text."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


class StoreError(Exception):
    """The store cannot be used; the message says why and what to do."""


@cache
def sql(folder: str, name: str) -> str:
    """The text of ``data/<folder>/<name>.sql``.

    Raises:
        StoreError: there is no such file.
    """
    path = Path(__file__).parents[1] / folder / f"{name}.sql"
    if not name.isidentifier() or not path.is_file():
        raise StoreError(f"there is no query named {name!r}")
    return path.read_text()


def literal(path: Path) -> str:
    """A path for ``read_parquet``, which takes ``[``, ``*`` and ``?`` for a pattern.

    >>> literal(Path("a[1]/b.parquet"))
    'a[[]1]/b.parquet'
    """
    return re.sub(r"([\[*?])", r"[\1]", str(path))

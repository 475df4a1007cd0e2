"""What a store holds and what the commands say of it, as plain JSON that two versions share."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

WHOLE = (
    "runs", "metrics", "gold_evaluations", "pooled_curve", "run_summary", "prompt_rewards",
    "verdicts", "corpus", "audits", "answer_counts", "answer_flips", "answer_clusters",
    "answer_flip_clusters", "answer_calibration", "answer_cells", "project_roles", "skips",
    "segments", "notes", "pins", "closed_reviews",
)  # fmt: skip
"""Tables of which every row is kept; of the others a count and a checksum."""
WHEN = ("imported_at", "done_at", "seen_at", "changed_at")
"""Columns that say when something was done on this machine."""
DOCUMENTS = ("facts", "warnings", "verdict", "looks", "result")
"""Columns that hold JSON."""
SENTENCES = ("reasons", "warnings", "kl_note", "recommendation", "sentence", "reason", "notes")
"""Keys of what is written for a reader, and may be worded better."""
REASONED = ("withheld",)
"""Keys of sentences by name: which are there must stay, their words may be better."""
COMMANDS = {
    "list": ("data", ["list", "--json"]),
    "verdict": ("analytics", ["verdict", "--json"]),
    "verdict_until": ("analytics", ["verdict", "--run", "rises", "r3", "--until", "180", "--json"]),
    "verdict_late": ("analytics", ["verdict", "--run", "late", "--gold", "judge", "--json"]),
    "hallucination": ("analytics", ["hallucination", "--json"]),
}

Contents = dict[str, Any]


def tables(database: Path, of: Mapping[str, Contents] | None = None) -> dict[str, Contents]:
    """By table: its columns, and its rows in order, or how many there are and their checksum.

    ``of``: only the tables and columns that are named there (a later version may have more).
    """
    with duckdb.connect(str(database), read_only=True) as store:
        names = [row[0] for row in store.execute("show tables").fetchall()]
        return {
            name: _table(store, name, of[name]["columns"] if of else None)
            for name in names if (name in of if of else name != "store_version")
        }  # fmt: skip


def _table(store: duckdb.DuckDBPyConnection, name: str, only: list[str] | None) -> Contents:
    found = store.execute(f'from "{name}"')
    columns = [column[0] for column in found.description]
    kept = only or [column for column in columns if column not in WHEN]
    rows = [plain(dict(zip(columns, row, strict=True)), kept) for row in found.fetchall()]
    return {"columns": kept} | packed(rows, name in WHOLE)


def plain(row: dict[str, Any], columns: list[str]) -> list[Any]:
    """A row's values as JSON has them, in the order of the columns."""
    values = []
    for column in columns:
        value = row[column]
        if column in DOCUMENTS and isinstance(value, str):
            value = json.loads(value)
        elif isinstance(value, datetime):
            value = value.isoformat()
        values.append(value)
    return values


def packed(rows: list[list[Any]], whole: bool) -> Contents:
    """Rows in an order that does not depend on where they lie; or their checksum."""
    lines = sorted(json.dumps(row, sort_keys=True) for row in rows)
    if whole:
        return {"rows": [json.loads(line) for line in lines]}
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {"n": len(lines), "checksum": digest}


def commands(names: Collection[str] = tuple(COMMANDS)) -> dict[str, Any]:
    """What these of COMMANDS print of the store that OVEROPT_HOME names."""
    from analytics.__main__ import main as on_results
    from data.__main__ import main as on_store

    outputs = {}
    for name in names:
        package, words = COMMANDS[name]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert (on_store if package == "data" else on_results)(words) == 0, name
        outputs[name] = json.loads(out.getvalue())
    return outputs


MEANT = {"kl_conversion": ("exact", "as_stated"), "kl_reference": ("initial_policy", None)}
"""What later programs say otherwise, of runs whose KL is a key that the user named: that it is the
KL from the initial policy is as the user says (CHANGELOG)."""


def _is_meant(expected: dict[str, Any], key: str, found: Any) -> bool:
    named = expected.get("kl_key") == "my_kl" or str(expected.get("run")).startswith("roles_")
    return named and MEANT.get(key) == (expected[key], found)


def differences(expected: Any, found: Any, at: str = "", within: float = 1e-9) -> Iterator[str]:
    """Where two documents differ: numbers by more than ``within``, keys that went.

    Sentences may differ. Numbers are compared by their size where that is above 1.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            if key in SENTENCES:
                continue
            if _is_meant(expected, key, found.get(key)):
                continue
            if key not in found:
                yield f"{at}/{key} is gone"
            elif key in REASONED:
                yield from differences(sorted(value), sorted(found[key]), f"{at}/{key}", within)
            else:
                yield from differences(value, found[key], f"{at}/{key}", within)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{at} has {len(found)} entries, not {len(expected)}"
        for i, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from differences(one, other, f"{at}/{i}", within)
    elif isinstance(expected, bool) or isinstance(found, bool):
        if expected is not found:
            yield f"{at} is {found!r}, not {expected!r}"
    elif isinstance(expected, int | float) and isinstance(found, int | float):
        if not math.isclose(expected, found, rel_tol=within, abs_tol=within):
            yield f"{at} is {found!r}, not {expected!r}"
    elif expected != found:
        yield f"{at} is {found!r}, not {expected!r}"

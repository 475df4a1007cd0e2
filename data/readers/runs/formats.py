"""All formats that are read, and what follows from their declarations.

Adding one: a module that declares its reader, its name in ``READERS``, and a small log.
"""

from __future__ import annotations

import re
from pathlib import Path

from data.declared import LOOP_TABLES
from data.readers.answers import claims, inspect_logs, lm_eval
from data.readers.files import completions, trainer_state
from data.readers.metrics import tables
from data.readers.raw.reader import Reader
from data.readers.runs import archives, hf_output, loop_file, scout
from data.readers.trackers import (
    mlflow,
    openrlhf,
    swanlab,
    tfevents,
    trackio,
    verl,
    verl_dumps,
    wandb,
)

READERS: tuple[Reader, ...] = (
    trainer_state.READER,
    completions.READER,
    verl.READER,
    verl_dumps.READER,
    trackio.READER,
    wandb.READER,
    swanlab.READER,
    mlflow.READER,
    tfevents.READER,
    openrlhf.READER,
    hf_output.READER,
    inspect_logs.READER,
    lm_eval.READER,
    claims.READER,
    scout.READER,
    loop_file.READER,
    archives.READER,
    tables.READER,
)
"""A file is read by the first that recognises it; plain tables stand last."""

KNOWN = "; ".join(reader.expects for reader in READERS)
"""The formats in words, for messages."""

FORMATS = tuple(
    dict.fromkeys([
        *(reader.format for reader in READERS),
        *(word for reader in READERS for word in reader.also),
    ])
)  # fmt: skip
"""What ``--format`` takes."""

BELIEVED = tuple(sorted(READERS, key=lambda reader: reader.rank))
"""The logs of a run, the richest first: where two differ, the earlier is believed."""

CONTENT_RANK = {
    "samples": 6, "answers": 7, "corpus": 8, "audit": 8, "behaviours": 8, "settings": 9,
    **{table.name: 8 for table in LOOP_TABLES},
}  # fmt: skip
"""Ranks of tables that hold something else than metrics, by what they hold."""

UNKNOWN_RANK = 9
"""Rank of what another version of the product imported."""


def _format_ranks() -> dict[str, int]:
    ranks = dict(CONTENT_RANK)
    for reader in READERS:
        rank = reader.rank if reader.stored is None else reader.stored
        ranks[reader.format] = min(rank, ranks.get(reader.format, rank))
    return ranks


FORMAT_RANK = _format_ranks()
"""Richness of a format in a store: where two logs of one run disagree, the smaller number wins."""


def rank_of(log_format: str) -> int:
    """The rank of a log that is imported now.

    Raises:
        LookupError: no reader declares such a format.
    """
    if log_format not in FORMAT_RANK:
        raise LookupError(f"no reader declares the format {log_format}, so it has no rank")
    return FORMAT_RANK[log_format]


def reader_of(path: Path) -> Reader | None:
    """The reader that recognises a file; None where none does."""
    return next((reader for reader in READERS if reader.recognises(path)), None)


def reader_of_named(path: Path, wanted: str | None) -> Reader | None:
    """The reader of a file that the user named, perhaps with ``--format``."""
    meant = [r for r in READERS if wanted == r.format or wanted in r.also]
    return (
        next((reader for reader in meant if reader.recognises(path)), None)
        or next((reader for reader in meant if reader.place_of), None)
        or reader_of(path)
        or next((reader for reader in READERS if reader.takes(path)), None)
        or (meant[0] if len(meant) == 1 else None)
    )


def readme_table() -> str:
    """The table of formats as it stands in the README."""
    lines = ["| format | what is read | KL, in nats per response |", "|---|---|---|"]
    for name in dict.fromkeys(reader.format for reader in READERS):
        own = [reader for reader in READERS if reader.format == name]
        cells = [
            f"`{name}`: " + "; ".join(_escaped(reader.expects) for reader in own),
            "; ".join(dict.fromkeys(_escaped(reader.tells) for reader in own)),
            "; ".join(dict.fromkeys(_escaped(reader.kl) for reader in own if reader.kl)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text as Markdown shows it, outside of code between backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([*_<|])", r"\\\1", p) for p in parts)

"""Small logs of one made run, in the forms in which trainers and people write them."""

from __future__ import annotations

import csv
import io
import json
import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.data.event_writer import block, event, record, simple, varint
from tests.data.field_values import Curve

Columns = Mapping[str, Sequence[object]]
Make = Callable[[Path], Sequence[Path]]


@cache
def made() -> Curve:
    """24 rows at steps 10 to 240; KL to 20 nats, 42 to 88 tokens, gold's peak at step 70."""
    kl = [round(20 * (i / 24) ** 1.5, 5) for i in range(1, 25)]
    roots = [math.sqrt(x) for x in kl]
    return Curve(
        tuple(range(10, 250, 10)), tuple(kl), tuple(round(0.6 * d, 5) for d in roots),
        tuple(round(d * (0.9 - 0.25 * d), 5) for d in roots),
        tuple(40.0 + 2 * i for i in range(1, 25)),
    )  # fmt: skip


@cache
def sibling() -> Curve:
    """The same run under another seed: KL to 25 nats, proxy and gold a little higher."""
    one = made()
    return Curve(
        one.steps, tuple(round(1.25 * x, 5) for x in one.kl),
        tuple(round(x + 0.3, 5) for x in one.proxy), tuple(round(x + 0.2, 5) for x in one.gold),
        one.length,
    )  # fmt: skip


def own(curve: Curve, step: str = "step", prefix: str = "") -> dict[str, Sequence[object]]:
    """The columns of our contract."""
    return {
        step: curve.steps, f"{prefix}kl": curve.kl, f"{prefix}proxy_reward": curve.proxy,
        f"{prefix}gold_reward": curve.gold,
    }  # fmt: skip


def trl(curve: Curve, prefix: str = "", step: str = "step") -> dict[str, Sequence[object]]:
    """The columns of TRL's ``log_history`` (GRPO), reward functions rm and gold."""
    n = len(curve.steps)
    columns: dict[str, Sequence[object]] = {
        "loss": [0.01] * n, "grad_norm": [0.3] * n, "learning_rate": [1e-6] * n,
        "num_tokens": [1000.0 * s for s in curve.steps],
        "completions/mean_length": curve.length, "completions/clipped_ratio": [0.0] * n,
        "rewards/rm/mean": curve.proxy, "rewards/rm/std": [0.5] * n,
        "rewards/gold/mean": curve.gold, "rewards/gold/std": [0.5] * n,
        "reward": curve.proxy, "reward_std": [0.5] * n, "frac_reward_zero_std": [0.0] * n,
        "kl": curve.per_token(), "clip_ratio/region_mean": [0.0] * n,
        "epoch": [s / 240 for s in curve.steps],
    }  # fmt: skip
    return {f"{prefix}{key}": values for key, values in columns.items()} | {step: curve.steps}


def rows_of(columns: Columns) -> list[dict[str, Any]]:
    """Columns turned into rows; None stands for a key that a row does not have."""
    rows = zip(*columns.values(), strict=True)
    return [{key: x for key, x in zip(columns, row, strict=True) if x is not None} for row in rows]


def table_text(columns: Columns, separator: str = ",", shown: Callable[[object], str] = str) -> str:
    """Columns as a table with a heading; None is an empty cell."""
    lines = [separator.join(columns)]
    for row in zip(*columns.values(), strict=True):
        cells = ("" if x is None else shown(x) for x in row)
        lines.append(separator.join(f'"{x}"' if separator in x else x for x in cells))
    return "\n".join(lines) + "\n"


def text(name: str, content: str, encoding: str = "utf-8") -> Make:
    """One file with this content."""

    def make(place: Path) -> list[Path]:
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode(encoding))
        return [place if "/" in name else file]

    return make


def comma(name: str, columns: Columns) -> Make:
    """A CSV file."""
    return text(name, table_text(columns))


def json_lines(name: str, rows: Iterable[object]) -> Make:
    """A file of JSON Lines."""
    return text(name, "".join(json.dumps(row) + "\n" for row in rows))


def as_json(name: str, value: object) -> Make:
    """A JSON file."""
    return text(name, json.dumps(value))


def together(*makes: Make) -> Make:
    """Several files in one folder, which is imported."""

    def make(place: Path) -> list[Path]:
        for one in makes:
            one(place)
        return [place]

    return make


def scalars(
    columns: Columns, step: str = "step", wall: float = 1.79e9, apart: float = 60.0
) -> bytes:
    """The records of an event file with these tags; None is not logged."""
    out = record(b"\x09" + struct.pack("<d", wall) + block(3, b"brain.Event:2"))
    for number, row in enumerate(rows_of(columns)):
        at = row.pop(step)
        for tag, value in row.items():
            out += record(event(at, tag, simple(value), wall + 1 + apart * number))
    return out


def session_start(step: int, wall: float) -> bytes:
    """The record by which a resumed writer says from which step on it replaces."""
    return record(
        b"\x09" + struct.pack("<d", wall) + b"\x10" + varint(step) + block(7, b"\x08\x01")
    )


def hparams(wall: float) -> bytes:
    """An event file of hyperparameters only."""
    value = block(1, b"_hparams_/session_start_info") + block(9, block(1, block(1, b"hparams")))
    return record(b"\x09" + struct.pack("<d", wall) + block(3, b"brain.Event:2")) + record(
        b"\x09" + struct.pack("<d", wall) + block(5, block(1, value))
    )


def raw(name: str, content: bytes) -> Make:
    """One file of bytes."""

    def make(place: Path) -> list[Path]:
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return [place if "/" in name else file]

    return make


def events(folder: str, *contents: bytes) -> Make:
    """Event files in a folder, named by number as hosts do."""
    return together(*(
        raw(f"{folder}/events.out.tfevents.{1_790_000_000 + 1000 * i}.host.{i}.0", content)
        for i, content in enumerate(contents)
    ))  # fmt: skip


def quoted(columns: Columns) -> str:
    """A CSV with every cell in quotes, as W&B exports charts."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def chart(run: str, key: str, values: Sequence[object]) -> dict[str, Sequence[object]]:
    """The columns of one line in a chart that W&B exported."""
    return {f"{run} - {key}{end}": values for end in ("", "__MIN", "__MAX")}

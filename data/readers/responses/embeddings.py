"""Embeddings beside a loop's texts: a list of numbers each, of which those of some texts are kept.

An effective number of unlike texts needs some hundred of them; a store of all would be hundreds of
megabytes. Which are kept follows from the prompts: the same at every iteration that asks them.
"""

from __future__ import annotations

import base64
import json
from hashlib import blake2b

import numpy as np
import polars as pl

from data.declared import EMBEDDINGS
from data.readers.names.mapping import Column
from data.readers.raw.texts import several

EMBEDDING = Column("embedding", keys=(
    "embedding", "embeddings", "text_embedding", "response_embedding", "vector",
))  # fmt: skip
MODEL = Column("embedding_model", keys=("embedding_model", "embedder", "embedding_name"))
MOST = 400
"""Texts of an iteration whose embeddings are kept."""
LARGEST = 1e300
WIDEST = 16_384
"""Numbers of the longest embedding."""


def holds(frame: pl.DataFrame) -> str | None:
    """The column of embeddings; None where there is none, or it holds something else."""
    key = EMBEDDING.find(frame.columns)
    if key is None:
        return None
    kind = frame.schema[key]
    lists = isinstance(kind, pl.List | pl.Array) and kind.inner.is_numeric()
    first = frame.get_column(key).drop_nulls().head(1)
    as_text = kind == pl.String and first.str.contains(r"^\s*\[.*\]\s*$").all()
    return key if lists or (as_text and first.len()) else None


def kept(frame: pl.DataFrame, texts: pl.DataFrame) -> tuple[pl.DataFrame | None, list[str]]:
    """The embeddings of a loop's texts that are kept, and what is said of them.

    Args:
        frame: the loop's rows as they stand in the table.
        texts: the same rows: step, prompt, and where there text_id, prompt_id, sample_id.
    """
    key = holds(frame)
    if key is None:
        named = EMBEDDING.find(frame.columns)
        if named is None or frame.get_column(named).null_count() == frame.height:
            return None, []
        return None, [f"column {named} holds no lists of numbers: no embeddings are read"]
    model = MODEL.find(frame.columns)
    models = frame.get_column(model).drop_nulls().unique().sort().to_list() if model else []
    if len(models) > 1:
        return None, [
            f"column {key} holds embeddings of {several([str(one)[:80] for one in models])}: those "
            "of one model alone can be compared; none is read"
        ]
    rows = _chosen(texts.with_columns(given=frame.get_column(key).is_not_null()))
    vectors = _vectors(frame.get_column(key).gather(rows["row"]))
    widths = _widths(frame.get_column(key), vectors)
    if len(widths) != 1 or not 1 < widths[0] <= WIDEST:
        shown = " and ".join(map(str, widths[:3])) or "no"
        return None, [
            f"column {key} holds lists of {shown} numbers; embeddings have one length, of 2 to "
            f"{WIDEST:,}: none is read"
        ]
    values = np.array([[np.nan] * widths[0] if v is None else v for v in vectors], dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        values /= np.abs(values).max(axis=1, keepdims=True)  # squares of large ones overflow
    norms = np.sqrt(np.einsum("ij,ij->i", values, values))
    good = np.isfinite(norms) & (norms > 0)
    units = (values[good] / norms[good, None]).astype("<f4")
    kept = rows.filter(pl.Series(good)).with_columns(
        pl.lit(models[0] if models else None, pl.String).cast(pl.String).alias("model"),
        pl.Series("vector", [base64.b64encode(one.tobytes()).decode() for one in units], pl.String),
    )
    kept = kept.unique(["iteration", "text_id"], keep="last", maintain_order=True)
    notes = [f"the embeddings (column {key}, {widths[0]:,} numbers each) of {kept.height:,} of "
            f"{frame.height:,} texts are kept, at most {MOST:,} an iteration"]  # fmt: skip
    if not good.all():
        notes.append(f"{(~good).sum():,} embeddings are left out: all 0, or a number is missing or "
                    "not finite")  # fmt: skip
    names = [name for name in EMBEDDINGS.types() if name != "loop"]
    return kept.select(names) if kept.height else None, notes


def _chosen(texts: pl.DataFrame) -> pl.DataFrame:
    """Of each iteration MOST rows with an embedding, prompts in one order of chance."""
    there = set(texts.columns)
    lacking = {"text_id", "prompt_id", "prompt"} - there
    rows = texts.with_columns(pl.lit(None, pl.String).alias(name) for name in lacking)
    rows = rows.with_row_index("row").with_columns(
        prompt=pl.coalesce("prompt_id", "prompt", pl.lit(""))
    )
    number = pl.int_range(pl.len()).over("step", "prompt")
    rows = rows.with_columns(number=pl.col("sample_id") if "sample_id" in there else number)
    prompts = rows.get_column("prompt").unique()
    orders = [blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
              for text in prompts]  # fmt: skip
    rows = rows.filter("given").with_columns(
        order=pl.col("prompt").replace_strict(prompts, orders),
        text_id=pl.coalesce("text_id", pl.format("{}/{}", "prompt", "number")),
    )
    rows = rows.sort("step", "number", "order", "row")
    return rows.group_by("step", maintain_order=True).head(MOST).rename({"step": "iteration"})


def _vectors(column: pl.Series) -> list[list[float | None] | None]:
    """Lists of numbers, as lists or as JSON; None for a cell that is none."""
    if column.dtype == pl.String:
        return [_parsed(text) for text in column]
    return column.to_list()


def _parsed(text: str | None) -> list[float | None] | None:
    try:
        vector = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(vector, list):
        return None
    return [
        float(one) if isinstance(one, int | float) and abs(one) < LARGEST else None
        for one in vector
    ]


def _widths(column: pl.Series, vectors: list[list[float | None] | None]) -> list[int]:
    """How many numbers embeddings have: of all where that is cheap, else of those to be kept."""
    if isinstance(column.dtype, pl.List):
        return column.list.len().drop_nulls().unique().sort().to_list()
    return sorted({len(one) for one in vectors if one is not None})

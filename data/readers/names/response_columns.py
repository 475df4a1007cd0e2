"""Which columns of a table hold the prompt and the text of single responses, under any usual name.

``prompt`` and ``completion`` are ours whatever they hold. The other words (``query``, ``output``)
are such columns only where they hold texts, beside a reward, in a table of several rows a step:
a curve may keep one example a step under the same names.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from data.readers.names.mapping import SAMPLE_TEXTS, STEP, Column, folded

FIRST = 100
"""Cells that show whether a column holds texts."""
WIDE: tuple[Column, ...] = (
    Column("prompt", keys=(
        "query", "question", "instruction", "input", "problem", "prompts", "prompt_text", "queries",
        "questions", "instructions", "inputs", "user_prompt", "input_text", "context",
    )),
    Column("completion", keys=(
        "output", "generation", "answer_text", "model_output", "model_response", "generated_text",
        "completion_text", "response_text", "output_text", "generated", "completions", "responses",
        "outputs", "generations", "answer", "reply", "rollout",
    )),
)  # fmt: skip
"""Further words for the two texts, the surest first."""
FOLDED = frozenset(folded(key) for column in (*WIDE, *SAMPLE_TEXTS) for key in column.keys)
_OWN = {column.name: column for column in SAMPLE_TEXTS}


def texts_of(frame: pl.DataFrame) -> dict[str, str]:
    """Our names of texts (prompt, completion, prompt_id) to the columns that hold them."""
    found = {name: key for name, column in _OWN.items() if (key := column.find(frame.columns))}
    for column in WIDE:
        if column.name in found:
            continue
        left = [key for key in frame.columns if key not in found.values()]
        there = (Column(column.name, (word,)).find(left) for word in column.keys)
        key = next((key for key in there if key and holds_texts(frame.get_column(key))), None)
        if key:
            found[column.name] = key
    return found


def names_responses(columns: Collection[str]) -> bool:
    """Whether columns are those of single responses by our own names, whatever they hold."""
    own = [name for name, column in _OWN.items() if column.find(columns)]
    return "completion" in own and len(own) > 1


def are_responses(frame: pl.DataFrame, rewarded: bool) -> bool:
    """Whether a table under other names holds single responses: texts, several rows a step.

    Args:
        frame: the table.
        rewarded: whether it has a reward.
    """
    if not rewarded:
        return False
    step, texts = STEP.find(frame.columns), texts_of(frame)
    if not texts:
        return False
    if step is None:
        if {"prompt", "completion"} <= texts.keys():
            return True
        prompts = texts.get("prompt_id")  # a pool: several scored responses to each prompt
        return prompts is not None and frame.get_column(prompts).n_unique() * 2 <= frame.height
    several = frame.get_column(step).n_unique() * 2 <= frame.height
    key = texts.get("prompt_id") or texts.get("prompt") or texts["completion"]
    return several and frame.get_column(key).n_unique() > 1


def holds_texts(column: pl.Series) -> bool:
    """Whether most cells are words, not numbers, or lists of messages."""
    if column.dtype in (pl.List, pl.Struct):
        return True
    if column.dtype != pl.String:
        return False
    first = column.drop_nulls().head(FIRST).str.strip_chars()
    first = first.filter(first != "")
    return bool(first.len()) and first.str.contains(r"\p{L}{2}").sum() * 2 > first.len()

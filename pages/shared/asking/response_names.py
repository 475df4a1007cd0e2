"""The address of one response: ``STEP.PROMPT.NUMBER``, the phase in front where it is not train.

A prompt's id may hold any sign, so the step is what stands before the first point, the number what
stands after the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

PHASES = ("train", "eval", "mixed")
LARGEST = 1 << 62


class Name(NamedTuple):
    """The key of a response within its run."""

    phase: str
    step: int
    prompt: str
    sample: int


def written(row: Mapping[str, Any]) -> str:
    """The address of a row.

    >>> written({"phase": "eval", "step": 40, "prompt_id": "a.b", "sample_id": 3})
    'eval.40.a.b.3'
    """
    phase = "" if row["phase"] == "train" else f"{row['phase']}."
    return f"{phase}{row['step']}.{row['prompt_id']}.{row['sample_id']}"


def read(text: str) -> Name | None:
    """What an address names; None where it is none.

    >>> read("eval.40.a.b.3"), read("nothing")
    (Name(phase='eval', step=40, prompt='a.b', sample=3), None)
    >>> read("-1..0")
    Name(phase='train', step=-1, prompt='', sample=0)
    """
    phase = next((one for one in PHASES if text.startswith(f"{one}.")), "")
    step, _, rest = text.removeprefix(f"{phase}.").partition(".")
    prompt, point, sample = rest.rpartition(".")
    try:
        read_name = Name(phase or "train", int(step), prompt, int(sample))
    except ValueError:
        return None
    return (
        read_name if point and max(abs(read_name.step), abs(read_name.sample)) < LARGEST else None
    )

"""One answer of an evaluation's log, as its reader hands it over."""

from __future__ import annotations

from typing import TypeAlias

AnswerRow: TypeAlias = dict[str, object]
"""Columns of answers (`data.declared.answers`), and the log's further measures under their own
names: what kind a value is the table of answers finds out, as it does with any table's cells."""

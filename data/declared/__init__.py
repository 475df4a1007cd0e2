"""What is declared once: the tables of rows that readers hand over, column by column.

One word for one thing: these names are table columns, frame columns, export headers and address
keys alike. All else follows: the tables and their comments (``data.database.ddl``), merging, the
rollup pooled_curve, plain tables and trainers' logs (``data.readers.names.mapping``), export, and
the panels below the chart of rewards. A new metric column is one entry of METRICS.
"""

from __future__ import annotations

from data.declared.answers import ANSWERS, AUDITS, CORPUS
from data.declared.kinds import (
    EXTRA,
    NUMBER,
    PAIRS,
    RANK,
    SMALL,
    TEXT,
    TRUTH,
    WHOLE,
    Column,
    Metric,
    Panel,
    Table,
)
from data.declared.loops import (
    DECISIONS,
    EMBEDDINGS,
    ITERATIONS,
    LOOP_TABLES,
    OUTCOMES,
    REFERENCE_TEXTS,
    REVIEWS,
)
from data.declared.people import (
    CLOSED_REVIEWS,
    INDICATORS,
    NOTES,
    PINS,
    PROJECT_ROLES,
    SEALS,
    WRITTEN,
)
from data.declared.runs import BEHAVIOURS, GOLD, MEASURED, METRICS, POOLED, SAMPLES

__all__ = [
    "ANSWERS", "AUDITS", "BEHAVIOURS", "CLOSED_REVIEWS", "CORPUS", "DECISIONS", "EMBEDDINGS",
    "EXTRA", "GOLD", "INDICATORS", "ITERATIONS", "LOOP_TABLES", "MEASURED", "METRICS", "NOTES",
    "NUMBER", "OUTCOMES", "PAIRS", "PINS", "POOLED", "PROJECT_ROLES", "RANK",
    "REFERENCE_TEXTS", "REVIEWS", "SAMPLES", "SEALS", "SEGMENT_TABLES", "SMALL", "TABLES",
    "TEXT", "TRUTH", "WHOLE", "WRITTEN", "Column", "Metric", "Panel", "Table",
]  # fmt: skip

SEGMENT_TABLES = (METRICS, GOLD, SAMPLES, ANSWERS, CORPUS, AUDITS, BEHAVIOURS, *LOOP_TABLES)
"""The tables that a segment brings rows for."""
TABLES = (*SEGMENT_TABLES, POOLED, PROJECT_ROLES, INDICATORS, *WRITTEN.values())

"""No Python is called from the threads of Polars, Arrow or DuckDB.

Such a call waits for the interpreter's lock. Where its holder waits for the same pool of threads
(``DataFrame.to_pandas`` does, which st.dataframe calls), both wait for ever, and so does every
other thread of the server.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CALLBACKS = {
    "map", "map_batches", "map_elements", "map_groups", "map_rows", "map_columns", "map_fields",
    "map_dict", "rolling_map", "fold", "cum_fold", "cum_reduce", "inspect", "pipe_with_schema",
    "sink_batches", "register_io_source", "defer", "scan_pyarrow_dataset", "create_function",
    "register_filesystem", "from_batches", "from_generator", "register_scalar_function",
    "register_aggregate_function", "register_vector_function", "register_tabular_function",
}  # fmt: skip
"""Methods that hand Python to a native pool: expressions, user functions, sources, file systems."""


def callbacks(text: str) -> Iterator[str]:
    """What hands Python to a native pool in a module's text, with its line."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named, chain = node.func.attr, _root(node.func)
        if named in CALLBACKS or (named == "reduce" and chain == "pl"):
            yield f"line {node.lineno}: .{named}(…)"
        elif chain == "pl" and any(isinstance(part, ast.Lambda) for part in _given(node)):
            yield f"line {node.lineno}: a lambda within an expression"


def _given(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(word.value for word in node.keywords)]


def _root(node: ast.expr) -> str:
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        else:
            return ""
    return node.id


def test_no_module_hands_python_to_a_native_pool() -> None:
    files = [ROOT / "app.py", *(f for room in ("data", "analytics", "pages")
                                for f in sorted((ROOT / room).rglob("*.py")))]  # fmt: skip
    assert len(files) > 100
    found = [
        f"{file.relative_to(ROOT)}: {fault}"
        for file in files
        for fault in callbacks(file.read_text())
    ]
    assert not found, (
        "Polars, Arrow and DuckDB must not wait for the interpreter's lock on their own threads: "
        f"loop over the groups instead.\n{chr(10).join(found)}"
    )


@pytest.mark.parametrize(
    "line",
    [
        "f.with_columns(pl.col('p').map_batches(lambda p: p, return_dtype=pl.Float64).over('g'))",
        "f.group_by('g').map_groups(do)", "pl.col('p').rolling_map(do, 3)",
        "f.select(pl.all().name.map(str.upper))", "pl.reduce(do, exprs)",
        "connection.create_function('f', do)", "connection.sql('select 1').map(do)",
        "pl.col('p').anything_new(lambda p: p)",
        "pa.RecordBatchReader.from_batches(schema, made())",
    ],
)  # fmt: skip
def test_a_callback_is_found(line: str) -> None:
    assert list(callbacks(line))


@pytest.mark.parametrize(
    "line", ["map(do, things)", "np.maximum.reduce(rows)", "sorted(f, key=lambda x: x)"]
)
def test_plain_python_is_not(line: str) -> None:
    assert not list(callbacks(line))


BOTH = """
import faulthandler, threading
import numpy as np, polars as pl
from analytics import hallucination

faulthandler.dump_traceback_later(45, exit=True)  # needs no interpreter's lock
rng = np.random.default_rng(0)
many = 1200
answers = pl.DataFrame({
    "loop": "a", "iteration": np.arange(many) % 3, "origin": "benchmark",
    "topic": [f"topic {i % 7}" for i in range(many)],
    "question_id": [f"q{i // 3}" for i in range(many)],
    "grade": rng.choice(["correct", "incorrect"], many), "confidence": rng.random(many),
})
shown = pl.DataFrame({f"c{i}": [f"row {j}" for j in range(2000)] for i in range(12)})
assert hallucination.rates(answers)["change_q"].drop_nulls().len() > 5

def often(do):
    for _ in range(80):
        do()

# A frame each: to_pandas writes to its frame, and waits for its readers with the lock held.
work = [lambda a=answers.clone(): hallucination.rates(a) for _ in range(2)]
work += [frame.to_pandas for frame in (shown.clone(), shown.clone())]
threads = [threading.Thread(target=often, args=(do,), daemon=True) for do in work]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_rates_are_told_while_another_thread_makes_pandas_of_a_frame() -> None:
    """Hung in 3 of 3 while the q values were computed inside an expression."""
    run = subprocess.run(
        [sys.executable, "-c", BOTH], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr[-3000:]

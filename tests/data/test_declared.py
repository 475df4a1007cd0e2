"""One declaration: tables, merging, rollup, readers, export and panels follow it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from data import declared, spool, store
from data.columns import PANELS, ReadOptions
from data.database import ddl
from data.declared import SEGMENT_TABLES, TABLES, WHOLE, Column, Metric
from data.incoming.importing import import_paths, spool_paths
from data.owner import Owner
from data.readers.names.mapping import RUN_COLUMNS
from tests.data.stores.contents import differences
from tests.data.stores.make_store import HERE, kept, unpack
from tests.recipes import follow

ROOT = Path(__file__).resolve().parents[2]
ASKS = """
import json, sys
from pathlib import Path
from data.columns import PANELS, ReadOptions
from data.outgoing.exporting import run_rows
from data.incoming.importing import import_paths
from data.owner import Owner
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.rewards.rewards import reward_figure

home, table = Path(sys.argv[1]), Path(sys.argv[2])
found = {}


def told(name, run):
    with_owner = Owner(home)
    store = with_owner.store
    try:
        assert not store.refused, store.refused
        metrics = store.query("metrics", runs=[run], until=None)
        curve = store.query("curves", runs=[run])
        until = store.query("curve_until", run=run, until=metrics["step"].max())
        drawn = RunCurve(run, 0, curve, curve.clear(), {"status": "unmeasured"})
        figure = reward_figure([drawn], "step", "raw", PANELS)
        exported = run_rows(store, run)
        found[name] = {
            "metrics": metrics["loss"].to_list(), "curve": curve["loss"].to_list(),
            "until": until["loss"].to_list(), "scalars": store.query("scalars", run=run)["key"]
            .unique().sort().to_list(), "export": exported["loss"].to_list(),
            "front": exported.columns.index("loss"),
            "titles": [axis.title.text for axis in figure.select_yaxes()],
            "lines": [list(map(float, trace.y)) for trace in figure.data
                      if trace.hovertemplate and "loss" in trace.hovertemplate],
        }
    finally:
        with_owner.close()


told("migrated", "falls_sd")
done = import_paths(home, [table], ReadOptions())
assert not done.skipped and [run["points"] for run in done.runs] == [3], done
told("imported", "toy")
(home / "store.duckdb").unlink()
told("rebuilt", "falls_sd")
told("rebuilt_toy", "toy")
print(json.dumps(found))
"""


def tree(folder: Path) -> Path:
    """A copy of the program's own files, compiled as far as they are here."""
    for room in ("data", "analytics", "pages"):
        unneeded = shutil.ignore_patterns("examples", "local")
        shutil.copytree(ROOT / room, folder / room, ignore=unneeded)
    return folder


def in_copy(copy: Path, script: str, *words: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], cwd=copy, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(copy)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_metric_column_is_one_entry(tmp_path: Path, home: Path) -> None:
    """Named loss, as numbers that old stores keep among the further ones: they move over."""
    unpack(HERE / "v6.tar.xz", home)
    copy = tree(tmp_path / "copy")
    assert follow(copy, "A metric column") == {"data/declared/runs.py"}
    text = "run_id,step,kl,proxy_reward,train/loss\ntoy,0,0,1,3.5\ntoy,1,1,2,\ntoy,2,2,3,1.5\n"
    table = tmp_path / "toy.csv"
    table.write_text(text)
    answer = in_copy(copy, ASKS, home, table)

    was = [1 / (i + 1) for i in range(60)]
    for name in ("migrated", "rebuilt"):
        found = answer[name]
        for what in ("metrics", "curve", "until", "export"):
            assert found[what] == pytest.approx(was), (name, what)
        assert "loss" not in found["scalars"] and "lr" in found["scalars"]
    for name in ("imported", "rebuilt_toy"):
        found = answer[name]
        for what in ("metrics", "curve", "until", "export"):
            assert found[what] == [3.5, None, 1.5], (name, what)
        assert found["lines"] == [[3.5, 1.5]] and "loss<br>nats per token" in found["titles"]
        assert found["front"] < len(declared.METRICS.columns) + 1, "a column, not a further number"

    tables = kept(HERE / "v6.json.xz")["tables"]
    script = (
        "import json,sys\nfrom pathlib import Path\n"
        f"sys.path.append({str(ROOT)!r})\n"
        "from tests.data.stores.contents import tables\n"
        "of = json.load(open(sys.argv[2]))\n"
        "print(json.dumps(tables(Path(sys.argv[1]), of)))"
    )
    (tmp_path / "of.json").write_text(json.dumps(tables))
    found = in_copy(copy, script, home / "store.duckdb", tmp_path / "of.json")
    unlike = ("verdicts", "generation", "segments", "scalars")  # a run more; loss has moved
    for name in set(tables) - set(unlike):
        rows = [row for row in found[name].get("rows", []) if row[0] != "toy"]
        expected = tables[name].get("rows", tables[name])
        assert not list(
            differences(expected, rows if "rows" in tables[name] else found[name], name)
        )


EVERY = """
import json, sys
from contextlib import closing
from pathlib import Path
from data.columns import ReadOptions
from data.declared import SEGMENT_TABLES
from data.incoming.importing import import_paths
from data.owner import Owner

home, logs = Path(sys.argv[1]), Path(sys.argv[2])


def told():
    with closing(Owner(home)) as owner:
        with owner.store._db.cursor() as cursor:
            rows = {}
            for table in SEGMENT_TABLES:
                (row,) = cursor.execute(f"select count(*), count(toy) from {table.name}").fetchall()
                rows[table.name] = row
            (further,) = cursor.execute("select count(*) from scalars where key = 'toy'").fetchall()
            (pairs,) = cursor.execute(
                "select count(*) from samples where map_contains(extra, 'toy')").fetchall()
        return [owner.store.refused, rows, further[0], pairs[0]]


migrated = told()
done = import_paths(home, [logs], ReadOptions())
assert [skip.path for skip in done.skipped] == [], done.skipped
grown = told()
(home / "store.duckdb").unlink()
print(json.dumps({"migrated": migrated, "grown": grown, "rebuilt": told()}))
"""


def logs_of_every_kind(folder: Path) -> Path:
    """A table for each declared table, with a number toy wherever further numbers are kept."""
    folder.mkdir()
    key = {"loop": "l", "iteration": 1, "origin": "benchmark", "question_id": "q", "sample_id": 0}
    step = {"run_id": "r", "step": 1}
    tables = {
        "metrics": {**step, "kl": 1.0, "proxy_reward": 2.0, "gold_reward": 1.0, "toy": 7},
        "gold": {**step, "gold_reward": 1.0, "gold_source": "judge", "toy": 7},
        "samples": {
            "loop": "l",
            "iteration": 1,
            "prompt": "p",
            "completion": "c",
            "proxy_reward": 1.0,
            "embedding": "[1.0, 2.0]",
            "toy": 7,
        },
        "answers": {**key, "grade": "correct", "answer": "a", "toy": 7},
        "audits": {**key, "human_grade": "correct"},
        "behaviours": {
            **step,
            "trajectory_id": "t",
            "environment": "e",
            "behaviour": "b",
            "value": 1,
            "source": "s",
        },
        "corpus": {
            "loop": "l",
            "iteration": 1,
            "origin": "self_generated",
            "generator_iteration": 0,
            "documents": 3,
            "tokens": 9,
        },
        "iterations": {"loop": "l", "iteration": 1, "parent": "base"},
        "reviews": {"loop": "l", "iteration": 1, "item_id": "i", "rater": "x", "preferred": "a"},
        "outcomes": {
            "loop": "l",
            "iteration": 1,
            "metric": "m",
            "value": 1,
            "higher_is_better": 1,
        },
        "decisions": {
            "loop": "l",
            "iteration": 1,
            "decision": "stop",
            "by": "x",
            "at": "2026-01-01",
        },
        "reference_texts": {"loop": "l", "text_id": "h", "origin": "human", "text": "words"},
    }
    for name, row in tables.items():
        pl.DataFrame([row]).write_csv(folder / f"{name}.csv")
    return folder


def test_a_column_of_any_table_leaves_no_segment_stuck(tmp_path: Path, home: Path) -> None:
    """Declared and nothing else: what an older program wrote, and what comes, goes in."""
    home.mkdir()
    logs = logs_of_every_kind(tmp_path / "logs")
    assert not import_paths(home, [logs], ReadOptions()).skipped
    copy = tree(tmp_path / "copy")
    toy = '        Column("toy", NUMBER, "A toy, count"),\n    ),\n'
    added = 0
    for file in (copy / "data" / "declared").glob("*.py"):
        text = file.read_text().replace("    ),\n    beside=", f"{toy}    beside=")
        text = text.replace("    ),\n    file=", f"{toy}    file=")
        added += text.count("A toy")
        if "METRICS = " in text:
            text = text.replace('Column("toy"', 'Metric("toy"', 1)
        file.write_text(text)
    assert added == len(SEGMENT_TABLES)
    answer = in_copy(copy, EVERY, home, logs)
    for when, (refused, rows, further, pairs) in answer.items():
        assert not refused, when
        assert all(n == 1 for n, _ in rows.values()), (when, rows)
        assert rows["metrics"][1] == rows["samples"][1] == rows["answers"][1] == 1, (when, rows)
        assert further == pairs == 0, when
        assert rows["gold_evaluations"][1] == (when != "migrated"), "gold apart had no further ones"


def newer(segment: Path) -> None:
    """Give a waiting segment columns that no program here knows: a number and a text each."""
    for table in SEGMENT_TABLES:
        file = segment / f"{table.file}.parquet"
        if file.is_file():
            rows = pl.read_parquet(file)
            rows.with_columns(later=pl.lit(2.5), words=pl.lit("w")).write_parquet(file)


def test_a_segment_of_a_newer_program_comes_in(tmp_path: Path, home: Path) -> None:
    home.mkdir()
    spool_paths(home, [logs_of_every_kind(tmp_path / "logs")], ReadOptions())
    segments = spool.waiting(home)
    for segment in segments:
        newer(segment)
    with closing(Owner(home)) as owner:
        results = owner.store.results([segment.name for segment in segments])
        assert not owner.store.refused and not spool.waiting(home)
        scalars = owner.store.query("scalars", run="r")
        assert scalars.filter(key="later")["value"].to_list() == [2.5]
        warnings = json.dumps(results)
        with owner.store._db.cursor() as cursor:
            for table in ("samples", "answers"):
                extra = cursor.execute(f"select extra from {table}").fetchall()
                assert extra == [({"toy": 7.0, "later": 2.5},)]
    assert not list((home / "tmp").iterdir())
    for name in ("metrics.words", "gold_evaluations.later", "corpus.later", "audits.words"):
        assert f"{name}: a column that this program does not know" in warnings
    assert "metrics.later" not in warnings and "samples.later" not in warnings


def test_a_column_of_a_newer_program_in_the_store_is_left_alone(home: Path, tmp_path: Path) -> None:
    """A store that a newer program has opened goes on working, and keeps what that one knew."""
    unpack(HERE / "v6.tar.xz", home)
    with duckdb.connect(str(home / "store.duckdb")) as opened:
        opened.execute("alter table metrics add column later double")
        opened.execute("alter table pooled_curve add column later double")
        opened.execute("update metrics set later = step")
    (tmp_path / "again.csv").write_text(
        "run_id,step,kl,proxy_reward,gold_reward\nrises,0,0.5,1,1\nrises,5,0.7,1,2\nnew,1,1,1,1\n"
    )
    assert not import_paths(home, [tmp_path / "again.csv"], ReadOptions()).skipped
    with closing(Owner(home)) as owner:
        assert not owner.store.refused
        rows = owner.store.query("metrics", runs=["rises", "new"], until=None).sort(
            "run_id", "step"
        )
    assert rows["kl"].to_list()[:3] == [1.0, 0.5, 0.7]
    assert rows["later"].to_list()[:4] == [None, 0, None, 10]


def test_a_segment_of_this_program_is_read_where_it_lies(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laying out anew costs time: only what another version wrote pays it."""

    def never(*_: object) -> list[str]:
        raise AssertionError("laid out anew")

    monkeypatch.setattr("data.rows.restating._write", never)
    home.mkdir()
    import_paths(home, [logs_of_every_kind(tmp_path / "logs")], ReadOptions())
    with closing(Owner(home)) as owner:
        assert not owner.store.refused


def columns(home: Path) -> dict[str, list[tuple[str, str, bool]]]:
    """Name, type and whether it may be null of each column, by declared table."""
    with closing(Owner(home)):
        pass
    with duckdb.connect(str(home / "store.duckdb"), read_only=True) as opened:
        return {
            table.name: opened.execute(
                "select column_name, data_type, is_nullable from duckdb_columns() "
                "where table_name = $name order by column_index", {"name": table.name}
            ).fetchall() for table in TABLES
        }  # fmt: skip


def test_a_new_store_has_the_tables_of_an_old_one(tmp_path: Path, home: Path) -> None:
    """What the schema's text said, the declaration says: names, types, what may be null.

    What was declared since stands last in an old store, and in its place in a new one.
    """
    unpack(HERE / "v6.tar.xz", home)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    new, old = columns(fresh), columns(home)
    assert {name: sorted(found) for name, found in new.items()} == {
        name: sorted(found) for name, found in old.items()
    }
    since = {("metrics", "n_prompts"), ("metrics", "gold_version"), ("samples", "text_id")}
    for name, found in old.items():
        kept_order = [one for one in found if (name, one[0]) not in since]
        assert kept_order == [one for one in new[name] if (name, one[0]) not in since]


def test_comments_follow_the_declaration(home: Path) -> None:
    unpack(HERE / "v1.tar.xz", home)
    columns(home)
    with duckdb.connect(str(home / "store.duckdb"), read_only=True) as opened:
        comments = opened.execute(
            "select table_name || '.' || column_name, comment from duckdb_columns()"
        ).fetchall()
    comment_of = dict(comments)
    for table in TABLES:
        for column in table.kept():
            assert comment_of[f"{table.name}.{column.name}"] == column.comment


def test_every_metric_has_a_type_that_sql_has_and_a_key_of_its_own() -> None:
    for table in TABLES:
        names = [column.name for column in table.kept()]
        assert len(set(names)) == len(names)
        assert all(column.dtype in ddl.TYPES and column.comment for column in table.kept())
    keys = [key for metric in declared.MEASURED for key in metric.keys]
    assert len(set(keys)) == len(keys), "one key of a plain table is one column"
    assert {column.name for column in RUN_COLUMNS} | {"kl", "proxy_reward", "gold_reward"} <= {
        metric.name for metric in declared.MEASURED
    }
    pooled = {column.name for column in declared.POOLED.columns}
    assert {panel.column for panel in PANELS} <= pooled, "a panel is drawn from the rollup"


def test_names_are_quoted() -> None:
    odd = Column('a"b', WHOLE, "it's")
    assert ddl._stated(odd) == '"a""b" bigint' and ddl._text(odd.comment) == "'it''s'"
    assert Metric("x", WHOLE, "").keys == ("x",) and store.SCHEMA_VERSION >= 6

"""What a run says of where it came from: it does not grow with every body and every line."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data import spool
from data.columns import POSTED, ReadOptions, RunLog
from data.database.kept_verdicts import to_keep
from data.incoming.importing import import_paths, spool_paths
from data.incoming.watching import Watch
from data.merging import sources
from data.readers import read
from data.remote import StoreAccess
from data.store import Store


def lines(first: int, last: int) -> str:
    rows = ({"step": s, "kl": s / 10, "proxy_reward": 1.0 * s} for s in range(first, last + 1))
    return "".join(json.dumps(row) + "\n" for row in rows)


def known(store: Any) -> dict[str, Any]:
    (row,) = store.query("runs", project=None, runs=None).to_dicts()
    return row


def named(row: dict[str, Any]) -> list[dict[str, Any]]:
    return json.loads(row["facts"])["sources"]


def post(store: Store, text: str) -> None:
    """As the server does (`data.incoming.ingest`)."""
    with spool.scratch(store.home) as folder:
        body = Path(folder) / "body.jsonl"
        body.write_text(text)
        spool_paths(store.home, [body], ReadOptions(run="live"), origin=POSTED)
    store.drain()


def test_posted_bodies_are_one_source(home: Path) -> None:
    home.mkdir()
    with closing(Store(home)) as store:
        for step in range(1, 6):
            post(store, lines(step, step))
        few = known(store)
        assert named(few) == [{"path": POSTED, "format": "jsonl", "rows": 5}]
        for step in range(6, 10):
            post(store, lines(step, step))
        many = known(store)
        assert {
            name: len(str(value)) for name, value in many.items() if isinstance(value, str)
        } == {name: len(str(value)) for name, value in few.items() if isinstance(value, str)}
        assert str(home) not in json.dumps(many, default=str)


def test_a_body_sent_again_changes_nothing_that_verdicts_follow(home: Path) -> None:
    home.mkdir()
    with closing(Store(home)) as store:
        post(store, lines(1, 3))
        before = known(store), store.generation
        post(store, lines(1, 3))
        after = known(store), store.generation
        assert before[1] == after[1] and before[0]["generation"] == after[0]["generation"]


def test_a_log_that_grows_is_one_source(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    folder = tmp_path / "logs"
    folder.mkdir()
    file = folder / "live.jsonl"
    file.write_text(lines(1, 2))
    watch = Watch(home, [folder], ReadOptions())
    watch.tick()
    for step in range(3, 8):
        with file.open("a") as log:
            log.write(lines(step, step))
        watch.tick()
    with StoreAccess(home) as store:
        row = known(store)
        assert named(row) == [{"path": str(file), "format": "jsonl", "rows": 7}]
        assert str(home) not in json.dumps(row, default=str)
    import_paths(home, [file], ReadOptions())  # the whole of it takes the place of its parts
    with StoreAccess(home) as store:
        assert named(known(store)) == [{"path": str(file), "format": "jsonl", "rows": 7}]


def test_a_problem_in_a_body_does_not_name_a_passing_file(home: Path) -> None:
    home.mkdir()
    with closing(Store(home)), spool.scratch(home) as folder:
        body = Path(folder) / "body.jsonl"
        for text in (
            lines(1, 2) + "{broken\n" + lines(3, 3),
            '{"a": 1}\n',
            "[]\n",
            '{"step": "x"}\n',
        ):
            body.write_text(text)
            for whole in (True, False):
                done = spool_paths(home, [body], ReadOptions(whole=whole), origin=POSTED)
                assert folder not in json.dumps(done.to_json())
                assert body.name not in json.dumps(done.to_json())
                assert all(skip.path.startswith(POSTED) for skip in done.skipped)


@pytest.mark.parametrize(
    ("path", "passing"),
    [
        (POSTED, "/h/tmp/tmpab_d3fgh/body.jsonl"),
        ("/logs/a/run/metrics.jsonl", "/h/tmp/tmpabcdefgh/a/run/metrics.jsonl"),
    ],
)
def test_what_older_programs_noted_of_each_body_becomes_one(
    home: Path, tmp_path: Path, path: str, passing: str
) -> None:
    """Their segments are merged so, and what stands in a store since is mended by the next row."""
    home.mkdir()
    file = tmp_path / "live.jsonl"
    with closing(Store(home)) as store:
        for step in (1, 2, 3):
            file.write_text(lines(step, step))
            (log,) = read([file], ReadOptions())
            assert isinstance(log, RunLog)
            log.path = path
            log.facts.sources = [
                {"path": passing.replace("fgh", f"fg{step}"), "format": "jsonl", "rows": 1}
            ]
            spool.write_segment(home, [log], None)
            if step == 2:
                assert named(known(store)) == [{"path": path, "format": "jsonl", "rows": 1}]
                noted = [{"path": passing, "format": "jsonl", "rows": 1}]
                noted += [{"path": passing.replace("fgh", "fgi"), "format": "jsonl", "rows": 1}]
                facts = json.loads(known(store)["facts"]) | {"sources": noted}
                store._db.execute("update runs set facts = $f", {"f": json.dumps(facts)})
            store.drain()
        assert named(known(store)) == [{"path": path, "format": "jsonl", "rows": 4}]


def test_a_users_own_file_is_never_taken_for_a_passing_one() -> None:
    own = {"path": "/data/tmp/tmpabcdefgh/body.jsonl", "format": "jsonl", "rows": 2}
    for path in (own["path"], "/logs/other.jsonl", "/data/tmp/tmpabcdefgh"):
        assert sources.of_log({"sources": [own]}, path) == [own]


def grown(home: Path, store: Store) -> dict[str, Any]:
    """What of a store could grow though nothing new is known."""
    return {
        "archive": [segment.name for segment in spool.archived(home)],
        "waiting": spool.waiting(home),
        "tmp": list((home / "tmp").iterdir()),
        "generation": store.generation,
        "runs": store.query("runs", project=None, runs=None).drop("imported_at").to_dicts(),
    }


def test_what_tells_nothing_new_leaves_nothing(home: Path, tmp_path: Path) -> None:
    """A body sent again, an unchanged log read again, a log that still cannot be read."""
    home.mkdir()
    log, broken = tmp_path / "log" / "metrics.csv", tmp_path / "other" / "metrics.csv"
    for file, text in ((log, "step,kl,proxy_reward\n1,0.1,2\n"), (broken, "a,b\n1,2\n")):
        file.parent.mkdir()
        file.write_text(text)
    with closing(Store(home)) as store:
        for turn in range(4):
            post(store, lines(1, 3))
            done = spool_paths(home, [log, broken], ReadOptions())
            store.drain()
            assert len(store.results(done.segments)) == len(done.segments) == 2  # asked for after
            if turn == 0:
                first = grown(home, store)
        assert grown(home, store) == first
        (seen,) = store.query("skips").to_dicts()
        broken.write_text("step,kl\n")
        spool_paths(home, [log, broken], ReadOptions())
        store.drain()
        assert store.generation == first["generation"] + 1  # it says something else by now
        broken.write_text("step,kl,proxy_reward\n1,0.1,2\n")
        spool_paths(home, [broken], ReadOptions())
        store.drain()
        assert not store.query("skips").height and seen["path"] == str(broken)
        store._db.execute("update segments set done_at = done_at - interval 2 hour")
        post(store, lines(1, 3))
        kinds = store._db.execute("select kind, count(*) from segments group by 1").fetchall()
        assert dict(kinds) == {"import": 3, "skips": 2, "again": 1}
        last = grown(home, store)
    (home / "store.duckdb").unlink()
    with closing(Store(home)) as rebuilt:
        assert grown(home, rebuilt) == last


def test_a_copy_that_is_only_noted_is_kept(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    with closing(Store(home)) as store:
        for name in ("a", "b", "a"):
            file = tmp_path / name / "run" / "metrics.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("step,kl,proxy_reward\n1,0.1,2\n")
            spool_paths(home, [file], ReadOptions())
            store.drain()
        before = known(store)
    assert len(spool.archived(home)) == 3 and len(named(before)) == 2
    (home / "store.duckdb").unlink()
    with closing(Store(home)) as rebuilt:
        assert {**known(rebuilt), "imported_at": None} == {**before, "imported_at": None}


def test_a_kill_before_the_removal_of_what_told_nothing_new(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    with closing(Store(home)) as store:
        post(store, lines(1, 3))
        with monkeypatch.context() as killed:
            killed.setattr(spool, "discard", lambda *_: None)
            post(store, lines(1, 3))
        post(store, lines(2, 2).replace("2.0", "7.0"))
        before = known(store), spool.archived(home)
        store.drain()
        assert not spool.waiting(home)
        assert (known(store), spool.archived(home)) == before


def test_what_came_of_a_segment_is_kept_in_few_words(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metrics.csv").write_text("step,kl,proxy_reward\n1,0.1,2\n")
    (folder / "config.json").write_text(json.dumps({f"setting{i}": i for i in range(500)}))
    with closing(Store(home)) as store:
        spool_paths(home, [folder], ReadOptions())
        store.drain()
        ((result,),) = store._db.execute("select result from segments").fetchall()
        assert len(result) < 800


def test_rows_that_were_posted_are_not_taken_for_those_of_a_log(home: Path, tmp_path: Path) -> None:
    """Nor do they move a run away from the log that goes on growing."""
    home.mkdir()
    file = tmp_path / "live.jsonl"
    file.write_text(lines(1, 3))
    watch = Watch(home, [file], ReadOptions())
    with closing(Store(home)) as store:
        watch.tick()
        store.drain()
        post(store, "".join(lines(step, step) for step in (6, 8, 10)))
        for step in (4, 5, 7):
            with file.open("a") as log:
                log.write(lines(step, step))
            watch.tick()
            store.drain()
        Watch(home, [file], ReadOptions()).tick()  # a restart reads it whole
        store.drain()
        assert known(store)["path"] == str(file)
        assert {one["path"]: one["rows"] for one in named(known(store))} == {
            str(file): 6, POSTED: 3
        }  # fmt: skip
        steps = store._db.execute("select step from metrics order by step").fetchall()
        assert [step for (step,) in steps] == [1, 2, 3, 4, 5, 6, 7, 8, 10]


def test_a_trainer_started_anew_takes_the_place_of_lines_that_were_followed(
    home: Path, tmp_path: Path
) -> None:
    home.mkdir()
    file = tmp_path / "live.jsonl"
    file.write_text(lines(1, 2))
    watch = Watch(home, [file], ReadOptions())
    with closing(Store(home)) as store:
        for step in range(3, 7):
            watch.tick()
            store.drain()
            with file.open("a") as log:
                log.write(lines(step, step))
        watch.tick()
        file.write_text(lines(1, 3).replace(".0", ".5"))
        watch.tick()
        store.drain()
        assert named(known(store)) == [{"path": str(file), "format": "jsonl", "rows": 3}]
        rows = store._db.execute("select step, proxy_reward from metrics order by step").fetchall()
        assert rows == [(1, 1.5), (2, 2.5), (3, 3.5)]


def test_of_frozen_views_the_last_ones_are_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who goes along the steps of a run leaves no verdict for each of them for ever."""
    monkeypatch.setattr("data.store.MOST_FROZEN", 3)
    home.mkdir()
    with closing(Store(home)) as store:
        post(store, lines(1, 9))
        for name in ("live", "another"):
            if name == "another":
                store._db.execute(
                    "insert into runs select * replace ('another' as run_id) from runs"
                )
            for step in (None, 1, 2, 3, 4, 2, 5):
                run = {"run_id": name, "generation": 1}
                row = to_keep(run, "m", {}, pl.DataFrame(), step)
                store.save_verdicts(pl.DataFrame([row]))
        rows = store._db.execute("select run_id, until_step from verdicts order by all").fetchall()
        steps = (-1, 2, 4, 5)
        assert rows == [(name, step) for name in ("another", "live") for step in steps]


def test_files_of_one_folder_read_again_say_nothing_in_turn(home: Path) -> None:
    """Each would be the one read last, with its own warnings, at every import."""
    home.mkdir()
    folder = Path(__file__).parent / "logs" / "lm_eval"
    with closing(Store(home)) as store:
        for turn in range(3):
            spool_paths(home, [folder], ReadOptions())
            store.drain()
            if turn == 0:
                first = grown(home, store)
        assert grown(home, store) == first
        assert len(spool.archived(home)) > 1

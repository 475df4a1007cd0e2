"""What a run says of where it came from: it does not grow with every body and every line."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from data import spool
from data.columns import POSTED, ReadOptions, RunLog
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

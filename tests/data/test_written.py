"""What people write is kept: notes, pins and reviews outlive a run, its file and the store's."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data import spool
from data.columns import ReadOptions
from data.database.any_store import AnyStore
from data.database.sql import StoreError
from data.incoming.importing import import_paths
from data.owner import Owner
from data.people import written
from data.people.reviewing import keep_decision
from data.people.written import NoteError, close_review, keep_note, keep_pin
from data.remote import StoreAccess
from data.upkeep.backup import back_up, restore

ASKED = {
    "notes": {"runs": None, "pin": None}, "pins": {}, "closed_reviews": {},
}  # fmt: skip
PIN = {
    "by": "Ada", "page": "/overoptimization", "address": "run=a", "says": "gold peaks",
    "figure": '{"data": []}', "frames": "[]", "verdicts": "[]", "settings": "{}", "software": "1",
}  # fmt: skip

FIRST = {
    "run_id": "a", "step": 10, "text": "**Stop** here", "by": "Ada", "decision": "stop",
    "owner": "Bob", "due": "2026-12-04",
}  # fmt: skip


def log(folder: Path, rows: int = 20) -> Path:
    path = folder / "a.csv"
    lines = [f"a,{step},{step / 10},{step / 5},{1 - step / 90}" for step in range(rows)]
    path.write_text("run_id,step,kl,proxy_reward,gold_reward\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def written_store(home: Path, tmp_path: Path) -> Path:
    home.mkdir()
    import_paths(home, [log(tmp_path)], ReadOptions())
    with StoreAccess(home) as store:
        note = keep_note(store, FIRST)
        keep_note(store, {"note_id": note, "run_id": "a", "step": 10, "text": "Go on after all",
                          "by": "Bob", "decision": "continue"})  # fmt: skip
        keep_note(store, {"run_id": "loop", "iteration": 3, "topic": "law", "text": "!", "by": "C"})
        keep_note(store, {"pin_id": "p1", "text": "of the pin", "by": "C"})
        keep_pin(store, PIN)
        close_review(store, "2026-11-21", "000-x.import", "Ada", "{}")
    return home


def tables_of(store: AnyStore) -> dict[str, pl.DataFrame]:
    return {name: store.query(name, **asked) for name, asked in ASKED.items()}


def test_what_is_written_within_a_second_keeps_its_order(written_store: Path) -> None:
    """Ids are drawn by lot: by the second alone, half of all neighbours would change places."""
    with StoreAccess(written_store) as store:
        texts = [f"{i}" for i in range(6)]
        for text in texts:
            keep_note(store, {"run_id": "rapid", "text": text, "by": "Ada"})
        found = store.query("notes", runs=["rapid"], pin=None)["text"].to_list()
    assert found == texts[::-1]


def rebuilt(home: Path, tmp_path: Path) -> Path:
    (home / "store.duckdb").unlink()
    return home


def restored(home: Path, tmp_path: Path) -> Path:
    back_up(home, tmp_path / "backup")
    other = tmp_path / "other"
    other.mkdir()
    restore(tmp_path / "backup", other)
    return other


def forgotten(home: Path, tmp_path: Path) -> Path:
    spool.write_forget(home, ["a"])
    return home


def grown(home: Path, tmp_path: Path) -> Path:
    import_paths(home, [log(tmp_path, 30)], ReadOptions())
    return home


def copied(home: Path, tmp_path: Path) -> Path:
    shutil.copytree(home / "archive", tmp_path / "copy" / "inbox")
    return tmp_path / "copy"


@pytest.mark.parametrize("happens", [rebuilt, restored, forgotten, grown, copied])
def test_what_was_written_is_kept(
    written_store: Path, tmp_path: Path, happens: Callable[[Path, Path], Path]
) -> None:
    with StoreAccess(written_store) as store:
        before = tables_of(store)
    assert [frame.height for frame in before.values()] == [3, 1, 1]
    after = happens(written_store, tmp_path)
    with closing(Owner(after)) as owner:
        assert not owner.store.refused
        for name, frame in tables_of(owner.store).items():
            assert_frame_equal(frame, before[name])
        note = before["notes"].filter(run_id="a")["note_id"][0]
        edits = owner.store.query("note_edits", note=note)
    assert edits["text"].to_list() == ["**Stop** here", "Go on after all"]
    assert edits["by"].to_list() == ["Ada", "Bob"]


def test_the_last_edit_stands_and_a_note_can_be_taken_away(home: Path) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        note = keep_note(store, {"run_id": "a", "text": "one", "by": "Ada"})
        keep_note(store, {"note_id": note, "run_id": "a", "text": "two", "by": "Ada"})
        assert store.query("notes", runs=["a"], pin=None)["text"].to_list() == ["two"]
        keep_note(store, {"note_id": note, "run_id": "a", "by": "Ada", "removed": True})
        assert store.query("notes", runs=None, pin=None).is_empty()
        assert store.query("note_edits", note=note).height == 3


def test_edits_written_at_once_are_both_kept(home: Path) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        note = keep_note(store, {"run_id": "a", "text": "first", "by": "Ada"})
        for text in ("hers", "his"):  # neither has seen the other's
            row = {"note_id": note, "edit": 1, "run_id": "a", "text": text, "by": text,
                   "at": written.now(), "removed": False}  # fmt: skip
            spool.write_written(home, "note", row)
        store.drain()
        edits = store.query("note_edits", note=note)
    assert edits["text"].to_list() == ["first", "hers", "his"]
    assert edits["edit"].to_list() == [0, 1, 2]


REFUSED = [
    ({"text": "x", "by": "Ada"}, "about something"),
    ({"run_id": "a", "text": "x"}, "needs a name"),
    ({"run_id": "a", "text": " \u202e\x00 ", "by": "Ada"}, "says nothing"),
    ({"run_id": "a", "text": "x" * 1_000_000, "by": "Ada"}, "at most 20000"),
    ({"run_id": "a", "text": "x", "by": "A" * 999}, "by is longer"),
    ({"run_id": "a", "text": "x", "by": "A", "owner": "A" * 999}, "owner is longer"),
    ({"run_id": "a", "decision": "sell", "by": "Ada"}, "'sell' is no decision"),
    ({"run_id": "a", "text": "x", "by": "Ada", "due": "soon"}, "'soon' is no date"),
    (
        {"run_id": "a", "text": "x", "by": "Ada", "due": 20261204},
        "due = 20261204 of a note: a date",
    ),
    ({"run_id": "a", "text": "x", "by": "Ada", "step": "ten"}, "step = 'ten' of a note: a whole"),
    ({"run_id": "a", "text": "x", "by": "Ada", "step": 10**40}, "step = a huge number of a note"),
    ({"run_id": "a", "text": "x", "by": "Ada", "step": -1}, "0 or more, is expected"),
    ({"run_id": "a", "text": "x", "by": "Ada", "step": True}, "step = True of a note"),
    ({"run_id": "a", "text": "x", "by": "Ada", "iteration": 1.5}, "iteration = 1.5 of a note"),
    ({"run_id": "a", "text": ["x"], "by": "Ada"}, "text = .* of a note: text is expected"),
    ({"run_id": 3, "text": "x", "by": "Ada"}, "run_id = 3 of a note: text is expected"),
    ({"run_id": "a", "text": "x", "by": b"Ada"}, "by = b'Ada' of a note: text"),
    ({"run_id": "a", "by": "Ada", "removed": "yes"}, "removed = 'yes' of a note: true or false"),
    ({"run_id": "a", "text": "x", "by": "Ada", "colour": "red"}, "a note has no 'colour'; it has"),
    ("a note", "a note is a mapping of note_id, .*; this is 'a note'"),
    (None, "a mapping of"),
    ([("run_id", "a")], "a mapping of"),
]


@pytest.mark.parametrize(("note", "sentence"), REFUSED)
def test_a_note_that_cannot_be_kept_is_refused(home: Path, note: dict, sentence: str) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        with pytest.raises(NoteError, match=sentence):
            keep_note(store, note)
        assert not spool.archived(home)


def test_a_date_is_kept_as_a_date_is_written(home: Path) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        for due in (datetime.date(2026, 12, 4), "20261204", "2026-12-04"):
            keep_note(
                store, {"run_id": "a", "text": "x", "by": "Ada", "due": due, "step": np.int64(3)}
            )
        rows = store.query("notes", runs=None, pin=None)
    assert rows["due"].to_list() == ["2026-12-04"] * 3 and rows["step"].to_list() == [3] * 3


DECISION = {"loop": "l", "iteration": 3, "decision": "approve", "by": "Ada",
            "at": "2026-11-28T12:00:00+00:00"}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [({"iteration": "three"}, "iteration = 'three' of a decision: a whole number"),
     ({"iteration": 2.5}, "iteration = 2.5"), ({"by": 7}, "by = 7 of a decision: text"),
     ({"at": "yesterday"}, "at = 'yesterday' of a decision: a date or time"),
     ({"expires": "never"}, "expires = 'never'"), ({"why": "x"}, "a decision has no 'why'")],
)  # fmt: skip
def test_a_decision_and_a_pin_of_a_wrong_type_are_refused(
    home: Path, wrong: dict, sentence: str
) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        with pytest.raises(StoreError, match=sentence):
            keep_decision(store, DECISION | wrong)
        with pytest.raises(NoteError, match="figure = 3 of a pin: text is expected"):
            keep_pin(store, PIN | {"figure": 3})
        with pytest.raises(NoteError, match=r"state = \{\} of a review: text is expected"):
            close_review(store, "2026-11-21", "x", "Ada", {})  # type: ignore[arg-type]
        assert not spool.archived(home) and not spool.waiting(home)


def test_marks_that_nobody_sees_are_left_out(home: Path) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        keep_note(store, {"run_id": "a", "text": "a\u202eb\x00c\nd", "by": "A\u2067da"})
        row = store.query("notes", runs=None, pin=None).row(0, named=True)
    assert (row["text"], row["by"]) == ("abc\nd", "Ada")


def test_a_pin_and_a_review_need_a_name(home: Path) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        with pytest.raises(NoteError, match="who pins"):
            keep_pin(store, PIN | {"by": " "})
        with pytest.raises(NoteError, match="who closes"):
            close_review(store, "2026-11-21", "x", "", "{}")

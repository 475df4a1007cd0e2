"""The weekly review: all that changed between two states of a store, and nothing else."""

from __future__ import annotations

import datetime
import json
import os
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analytics.kept_verdicts.verdicts import judge, method
from analytics.review.changes import ORDER, Change, changes, grouped, summary
from analytics.review.reading import Begins, Review, begins, review
from analytics.review.state import GateState, RunState, State
from data import spool
from data.columns import ReadOptions
from data.database.any_store import AnyStore
from data.database.kept_verdicts import to_keep
from data.database.questions import meaning
from data.incoming.importing import import_paths
from data.people.project_roles import save
from data.people.written import close_review, keep_note
from data.remote import StoreAccess
from data.roles.stated_roles import Roles
from data.serving.watches import Heart, stale
from data.upkeep.past import before, committed_at, moment

TODAY = datetime.date(2026, 11, 28)
SINCE = "2026-11-21T00:00:00+00:00"
HEAD = "run_id,step,kl,proxy_reward,gold_reward,gold_reward_se,gold_version"


def rows(run: str, turn: int, end: int, judge: str = "", gold_to: int = 10_000) -> list[str]:
    """A run whose gold rises until a step and then falls."""
    return [
        f"{run},{i},{i / 4},{i / 5},{min(i, 2 * turn - i) / 10},0.05,{judge}" if i <= gold_to
        else f"{run},{i},{i / 4},{i / 5},,,"
        for i in range(end)
    ]  # fmt: skip


def table(folder: Path, name: str, lines: list[str], head: str = HEAD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([head, *lines]) + "\n")
    return folder / name


ANSWERS = "loop,iteration,origin,question_id,question,answer,reference,grade"


def answers(wrong: dict[int, int]) -> list[str]:
    return [
        f"asked,{at},benchmark,q{i},?,a,b,{'incorrect' if i < bad else 'correct'}"
        for at, bad in wrong.items() for i in range(60)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Review]:
    """200 runs that do not change, and 12 things that do within a week."""
    home, logs = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("logs")
    quiet = [f"quiet{run:03d},{i},{i / 4},{i / 5},,," for run in range(200) for i in range(4)]
    always = table(logs, "quiet.csv", quiet)
    before_it = (
        rows("falls", 15, 14) + rows("grows", 99, 14) + rows("judged", 99, 14, "v1")
        + rows("blind", 99, 14) + rows("gone", 99, 5)
    )  # fmt: skip
    other = table(logs, "r.csv", [f"r,{i},{i / 4},{i},{i}" for i in range(5)],
                  "run_id,step,kl,proxy_reward,other")  # fmt: skip
    import_paths(home, [other], ReadOptions(project="roles"))
    asked = table(logs, "answers.csv", answers({0: 3, 1: 5}), ANSWERS)
    import_paths(home, [always, table(logs, "runs.csv", before_it), asked], ReadOptions())
    with StoreAccess(home) as store:
        keep_note(store, {"run_id": "grows", "decision": "stop", "due": "2026-11-25", "by": "A"})
        start = Begins(spool.archived(home)[-1].name, SINCE, None)
        judge_alike(store)

    after_it = (
        rows("falls", 15, 30) + rows("new", 8, 30) + rows("grows", 99, 20)
        + rows("judged", 99, 14, "v1") + rows("judged", 99, 20, "v2")[14:]
        + rows("blind", 99, 60, gold_to=13)
    )  # fmt: skip
    bits = logs / "bits.jsonl"  # lines of nobody knows what
    bits.write_text("".join(json.dumps({"step": i, "kl": i / 10}) + "\n" for i in range(5)))
    asked = table(logs, "answers.csv", answers({0: 3, 1: 5, 2: 30}), ANSWERS)
    broken = logs / "broken"
    broken.mkdir()
    (broken / "trainer_state.json").write_text('{"log_history": [')
    paths = [always, table(logs, "runs.csv", after_it), bits, asked, broken]
    import_paths(home, paths, ReadOptions())
    spool.write_forget(home, ["gone"])
    with StoreAccess(home) as store:
        store.drain()
        save(store, "roles", Roles(gold="other"))
        found = review(store, start, TODAY, tmp_path_factory.mktemp("past"))
    return home, found


def judge_alike(store: AnyStore) -> None:
    """Keep a verdict on each quiet run: of the first, for they are all alike."""
    runs = store.query("runs", project=None, runs=None)
    quiet = runs.filter(pl.col("run_id").str.starts_with("quiet")).to_dicts()
    made = judge(store.query, quiet[0])
    store.save_verdicts(pl.DataFrame([
        to_keep(run, method(meaning), made.row | {"run": run["run_id"]}, made.looks)
        for run in quiet
    ]))  # fmt: skip


def pairs_of(found: list[Change]) -> set[tuple[str, str]]:
    return {(one.kind, Path(one.subject).name) for one in found}


def test_all_that_changed_and_nothing_else(week: tuple[Path, Review]) -> None:
    found = week[1].changes
    assert len(found) == len(pairs_of(found))
    assert pairs_of(found) == {
        ("alarm_raised", "falls"), ("alarm_raised", "new"), ("grown", "grows"),
        ("judge", "judged"), ("blind", "blind"), ("new_run", "bits"), ("unit_unknown", "bits"),
        ("wrong_answers", "asked"), ("skipped", "trainer_state.json"), ("run_gone", "gone"),
        ("status", "r"), ("decision_due", "grows"),
    }  # fmt: skip


def test_what_needs_a_decision_comes_first_with_its_evidence(week: tuple[Path, Review]) -> None:
    found = week[1].changes
    assert [one.needs_decision for one in found] == sorted(
        (one.needs_decision for one in found), reverse=True
    )
    by = {(one.kind, Path(one.subject).name): one for one in found}
    alarm = by["alarm_raised", "falls"]
    assert "16 more rows, 16 more gold evaluations" in alarm.evidence and "fell" in alarm.evidence
    assert "no onset seen → overoptimized" in alarm.what or "→ overoptimized" in alarm.what
    assert alarm.link == "/overoptimization?run=falls"
    assert by["judge", "judged"].cause == "judge" and "v2" in by["judge", "judged"].what
    assert by["status", "r"].cause == "setting" and found[-1].subject == "r"
    wrong = by["wrong_answers", "asked"]
    assert "rose from 8.3 % to 50.0 %" in wrong.what and "p < .001" in wrong.evidence
    assert summary(found) == "8 things need a decision; 1 other change."


def test_a_state_is_the_same_whatever_was_asked_before(
    week: tuple[Path, Review], tmp_path: Path
) -> None:
    """A second reading, in another folder, says the same; nothing came since its end."""
    home, first = week
    with StoreAccess(home) as store:
        again = review(store, Begins(first.last, first.until, None), TODAY, tmp_path / "a")
    assert pairs_of(again.changes) == {("decision_due", "grows")}


def test_a_review_begins_where_the_last_was_closed(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    now = datetime.datetime(2026, 11, 28, 15, tzinfo=datetime.UTC)
    with StoreAccess(home) as store:
        assert begins(store, None, now).at == "2026-11-21T00:00:00+00:00"
        put_state = json.dumps({"method": "m", "runs": {}})
        close_review(store, SINCE, "00000000000000000005-a.import", "Ada", put_state)
        begin = begins(store, None, now)
        assert begin.segment == "00000000000000000005-a.import"
        assert begin.shown == {"method": "m", "runs": {}}
        assert begins(store, "2026-11-01", now).at == "2026-11-01T00:00:00+00:00"
        with pytest.raises(ValueError, match="isoformat"):
            begins(store, "soon", now)


def test_names_of_segments_are_their_times() -> None:
    read = moment("2026-11-21T10:00:00.5+01:00")
    assert before(read) == "01795251600500000000"
    assert committed_at(before(read) + "-ab.import") == read
    assert moment("2026-11-21").tzinfo is datetime.UTC


def run(status: str = "no_onset", **more: Any) -> RunState:
    alarm = {"step": 5, "withdrawn": more.pop("withdrawn", None)} if "alarm" in more else None
    more.pop("alarm", None)
    row = {"run_id": "a", "facts": "{}", "points": 9, "gold_evaluations": 9, "samples": 0,
           "answers": 0, **more.pop("row", {})}  # fmt: skip
    verdict = {"run": "a", "project": "p", "status": status, "alarm": alarm, "flags": [],
               "reasons": ["because"], "forecast": None, **more}  # fmt: skip
    return RunState(row, verdict)


def kinds(old: RunState, new: RunState, shown: dict | None = None, by: str = "import") -> list[str]:
    then, now = State({"a": old}), State({"a": new})
    found = changes(then, now, {"a": {by}} if by else {}, [], SINCE, TODAY, shown)
    return [one.kind for one in found]


FORECAST = {"kl": 9.0, "kl_low": 8.0, "kl_high": 10.0}


def test_kinds_of_changes_of_one_run() -> None:
    fired = run("overoptimized", alarm=1)
    assert kinds(run(), fired) == ["alarm_raised"]
    assert kinds(fired, run(alarm=1, withdrawn={"step": 9})) == ["alarm_withdrawn"]
    assert kinds(run(), run("warning")) == ["status"]
    assert kinds(run(), run("not_judged")) == ["not_judged"]
    assert kinds(run(), run()) == []
    assert kinds(run(), run(row={"points": 12})) == ["grown"]
    assert kinds(run(forecast=FORECAST), run(forecast=FORECAST | {"kl": 11.0})) == ["forecast"]
    assert kinds(run(forecast=FORECAST), run(forecast=FORECAST | {"kl": 9.5})) == []


def test_an_alarm_that_no_row_disproved_is_not_called_withdrawn() -> None:
    fired, fewer = run("overoptimized", alarm=1), {"points": 4}
    then, now = State({"a": fired}), State({"a": run(row=fewer)})
    (one,) = changes(then, now, {"a": {"forget", "import"}}, [], SINCE, TODAY)
    assert one.kind == "status" and "imported anew, its alarm with it" in one.what
    assert "9 rows before, 4 rows now" in one.evidence and "withdrawn" not in one.what
    assert not one.needs_decision
    again = State({"a": run(alarm=1, withdrawn={"step": 9})})
    (one,) = changes(then, again, {"a": {"forget", "import"}}, [], SINCE, TODAY)
    assert one.kind == "alarm_withdrawn"
    (one,) = changes(State({"a": run()}), now, {"a": {"forget", "import"}}, [], SINCE, TODAY)
    assert one.kind == "grown" and "9 rows before, 4 rows now" in one.what
    assert kinds(fired, run("not_judged")) == ["not_judged"]


def test_a_run_forgotten_and_imported_anew_with_fewer_rows(home: Path, tmp_path: Path) -> None:
    import_paths(home, [table(tmp_path, "all.csv", rows("falls", 15, 30))], ReadOptions())
    with StoreAccess(home):
        start = Begins(spool.archived(home)[-1].name, SINCE, None)
    spool.write_forget(home, ["falls"])
    import_paths(home, [table(tmp_path, "few.csv", rows("falls", 15, 14))], ReadOptions())
    with StoreAccess(home) as store:
        (one,) = review(store, start, TODAY, tmp_path / "past").changes
    assert one.kind == "status" and "30 rows before, 14 rows now" in one.evidence


def test_new_software_is_no_news_of_a_run() -> None:
    seen = {"method": "m", "runs": {"a": "warning"}}
    assert kinds(run(), run(), seen, by="") == ["software"]
    assert kinds(run(), run(), {"method": "m", "runs": {"a": "no_onset"}}, by="") == []


def test_a_decision_settles_its_run() -> None:
    then, now = State({"a": run()}), State({"a": run("overoptimized", alarm=1)})
    note = {"run_id": "a", "topic": None, "pin_id": None, "decision": "stop", "owner": "Bob",
            "due": None, "by": "Ada", "at": "2026-11-22T00:00:00+00:00"}  # fmt: skip
    (one,) = changes(then, now, {"a": {"import"}}, [note], SINCE, TODAY)
    assert not one.needs_decision and one.decided == "stop · Bob, Ada"
    (old,) = changes(then, now, {"a": {"import"}}, [note | {"at": "2026-11-20T00:00:00+00:00"}],
                     SINCE, TODAY)  # fmt: skip
    assert old.needs_decision


def test_a_gate_that_turned_and_people_who_are_due() -> None:
    was, now = GateState(1, "PASS", "all"), GateState(2, "FAIL", "truth", "due now")
    found = changes(State(gates={"l": was}), State(gates={"l": now}), {}, [], SINCE, TODAY)
    assert [(one.kind, one.needs_decision) for one in found] == [
        ("gate", True), ("checkpoint_due", True)
    ]  # fmt: skip
    assert not changes(State(gates={"l": was}), State(gates={"l": was}), {}, [], SINCE, TODAY)


def test_texts_that_got_worse() -> None:
    def row(at: int, p: float) -> dict[str, Any]:
        return {"loop": "l", "iteration": at, "indicator": "distinct_2",
                "from_first": {"difference": -0.1, "p": p} if at else None}  # fmt: skip

    now = State(indicators=[row(0, 1), row(1, 0.9), row(2, 1e-6)])
    then = State(indicators=[{"loop": "l", "iteration": 0}, {"loop": "l", "iteration": 1}])
    (one,) = changes(then, now, {"l": {"import"}}, [], SINCE, TODAY)
    assert one.kind == "diversity" and "distinct-2" in one.what and "iteration 2" in one.what
    later = State(indicators=[{"loop": "l", "iteration": 2}])
    assert not changes(later, now, {"l": {"import"}}, [], SINCE, TODAY)


def test_order_does_not_depend_on_the_order_of_runs() -> None:
    names = [f"r{i}" for i in range(20)]
    now = {name: run("overoptimized", alarm=1) if i % 3 else run() for i, name in enumerate(names)}
    expected = changes(State(), State(now), {}, [], SINCE, TODAY)
    assert {one.kind for one in expected} <= set(ORDER)
    for seed in range(5):
        random.Random(seed).shuffle(names)
        assert changes(State(), State({n: now[n] for n in names}), {}, [], SINCE, TODAY) == expected


def test_a_watch_that_died_is_listed_until_it_runs_again(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    now, seconds = datetime.datetime.now(datetime.UTC), [0.0]
    log = tmp_path / "<b>run"
    heart = Heart(home, [log], lambda: seconds[0])

    def listed() -> list[Change]:
        with StoreAccess(home) as store:
            begin = begins(store, None, now)
            return review(store, begin, TODAY, tmp_path / "past").changes

    assert not heart.beat() and listed() == []
    seconds[0] += 30
    heart.beat(now - datetime.timedelta(hours=3))  # not written: less than a minute later
    assert listed() == []
    seconds[0] += 60
    heart.beat(now - datetime.timedelta(hours=3))
    (one,) = listed()
    assert (one.kind, one.subject, one.needs_decision) == ("watch", str(log.resolve()), True)
    assert "last sign" in one.what
    Heart(home, [log]).beat()
    assert listed() == []
    seconds[0] += 60
    heart.beat(now - datetime.timedelta(hours=3))
    heart.stop()
    assert listed() == [] and stale(home, now) == []
    (home / "watches" / "x.json").write_text('{"paths": 3, "seen": "soon"}')
    (home / "watches" / "y.json").write_text("[")
    assert listed() == []
    os.utime(home / "watches" / "y.json", (0, 0))
    Heart(home, [log]).beat()
    assert len(list((home / "watches").iterdir())) == 2  # what nobody is told of any more is gone


def test_people_who_became_due_without_new_rows(home: Path, tmp_path: Path) -> None:
    """Reviewed on the 10th, due after 14 days: between the 21st and the 28th, by no row."""
    head = "loop,iteration,item_id,prompt,response_a,response_b,origin_a,origin_b,rater,preferred"
    lines = [
        f"asked,1,i{i},p,a,b,1,0,{rater},a,2026-11-10T00:00:00+00:00"
        for i in range(220) for rater in ("Ada", "Bob")
    ]  # fmt: skip
    files = [table(tmp_path, "reviews.csv", lines, f"{head},graded_at"),
             table(tmp_path, "answers.csv", answers({0: 3, 1: 5}), ANSWERS)]  # fmt: skip
    import_paths(home, files, ReadOptions())
    with StoreAccess(home) as store:
        start = Begins(spool.archived(home)[-1].name, SINCE, None)
        found = review(store, start, TODAY, tmp_path / "past").changes
        assert [(one.kind, one.subject) for one in found] == [("checkpoint_due", "asked")]
        assert found[0].needs_decision and found[0].link.startswith("/checkpoints?loop=asked")
        later = start._replace(at="2026-11-26T00:00:00+00:00")  # it was due by then
        assert review(store, later, TODAY, tmp_path / "past").changes == []
        early = datetime.date(2026, 11, 22)
        assert review(store, start, early, tmp_path / "past").changes == []


def test_nothing_to_decide() -> None:
    assert grouped([]) == []
    assert summary([]) == "Nothing needs a decision."
    assert changes(State(), State(), {}, [], SINCE, TODAY) == []

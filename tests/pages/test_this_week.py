"""*This week*: what needs a decision, decided beside it, closed."""

import threading
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.shared import reads
from pages.shared.asking import note_reads
from pages.shared.asking.review_reads import begins
from pages.shared.keeping import judging
from pages.shared.server import worker

WEEK = "review/this_week.py"


def log(folder: Path, name: str, turn: int) -> Path:
    path = folder / f"{name}.csv"
    lines = "".join(
        f"{name},{i},{i / 5},{i / 5},{min(i, 2 * turn - i) / 10},0.05\n" for i in range(30)
    )  # fmt: skip
    path.write_text("run_id,step,kl,proxy_reward,gold_reward,gold_reward_se\n" + lines)
    return path


def text_of(page: AppTest) -> str:
    return "\n".join([*(m.value for m in page.markdown), *(h.body for h in page.get("html"))])


def test_an_empty_store_is_not_said_to_need_no_decision(
    open_script: Callable[..., AppTest],
) -> None:
    page = open_script(WEEK, since="nonsense")
    assert not page.exception and "Nothing needs a decision" not in text_of(page)
    assert any("The store is empty" in one.value for one in page.info)
    assert "no date" in page.warning[0].value


def test_a_week_from_alarm_to_closing(open_script: Callable[..., AppTest], tmp_path: Path) -> None:
    page = open_script(WEEK, log(tmp_path, "falls", 8), log(tmp_path, "<b>rises", 99))
    assert "2 runs are being judged" in page.info[0].value
    assert worker.judge_all(reads.store(), threading.Event())
    page.run()
    assert not page.exception
    assert "1 thing needs a decision; 1 other change." in text_of(page)
    assert 'href="/overoptimization?run=falls"' in text_of(page)
    assert "data:image/svg+xml" in text_of(page) and "&lt;b&gt;rises" in text_of(page)
    assert "<b>rises" not in text_of(page)

    note_reads.keep({"run_id": "falls", "decision": "stop", "by": "Ada", "owner": "Bob"})
    page.run()
    assert "Nothing needs a decision; 2 other changes." in text_of(page)
    assert "Decided: stop · Bob, Ada" in text_of(page)

    page.text_input(key="close-by").input("Ada")
    next(b for b in page.button if b.label == "Close it").click().run()
    assert not page.exception
    assert "Nothing needs a decision." in text_of(page)
    assert begins(None).shown["runs"] == {"falls": "overoptimized", "<b>rises": "no_onset"}
    judging.end()


def test_a_view_of_another_day_is_in_the_address(
    open_script: Callable[..., AppTest], tmp_path: Path
) -> None:
    for day in ("2999-01-01", "9999-12-31", "2026-11-21T10:00+02:00"):
        page = open_script(WEEK, log(tmp_path, "a", 99), since=day)
        assert not page.exception and "Nothing needs a decision" in text_of(page)
    assert "1 other change" in text_of(open_script(WEEK, since="0001-01-01"))


def test_many_new_runs_are_folded(open_script: Callable[..., AppTest], tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    rows = "".join(f"run{n},{i},{i / 5},{i / 5}\n" for n in range(200) for i in range(2))
    path.write_text("run_id,step,kl,proxy_reward\n" + rows)
    page = open_script(WEEK, path)
    assert not page.exception and "Nothing needs a decision; 200 other changes." in text_of(page)
    (folded,) = page.expander
    assert folded.label == "200 new or grown runs without need of a decision"
    assert not folded.proto.expanded and not page.selectbox

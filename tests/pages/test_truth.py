"""The pages on truth, run without a browser on real and on bad answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data.columns import ReadOptions
from data.home import home as made_home
from data.incoming.importing import import_paths
from pages.shared.keeping import ownership

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
Show = Callable[..., str]


@pytest.fixture(scope="module")
def loop_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    files = [EXAMPLES / "loop" / f"{n}.parquet" for n in ("answers", "metrics", "corpus")]
    import_paths(folder, [*files, EXAMPLES / "r3_grpo_bigrm"], ReadOptions(project="examples"))
    return folder


@pytest.fixture
def show() -> Iterator[Show]:
    """Call it with a script and an address for everything that the page says."""

    def shown(script: str, **address: str | list[str]) -> str:
        test = AppTest.from_file(
            str(ROOT / "pages" / "truth" / f"{script}.py"), default_timeout=240
        )
        for key, value in address.items():
            test.query_params[key] = value
        test.run()
        assert not test.exception, test.exception
        parts = [*test.title, *test.header, *test.caption, *test.markdown, *test.info]
        parts += [*test.warning, *test.error, *test.code]
        tables = [str(frame.value.to_dict("records")) for frame in test.dataframe]
        html = [str(block.proto.body) for block in test.get("html")]
        return " ".join(" ".join([*(str(p.value) for p in parts), *tables, *html]).split())

    yield shown
    ownership.release()
    st.cache_data.clear()


@pytest.fixture
def loop(loop_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVEROPT_HOME", str(loop_home))


def plain(text: str) -> str:
    return text.replace("\\", "")


def brought(path: Path, rows: list[dict[str, object]]) -> list[str]:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    (run,) = import_paths(made_home(), [path], ReadOptions()).runs
    return run["warnings"]


def answer(question_id: str, grade: str, **more: object) -> dict[str, object]:
    return {"loop": "l", "iteration": 0, "origin": "benchmark", "question_id": question_id,
            "grade": grade} | more  # fmt: skip


PAGES = ("hallucination", "calibration", "answers", "training_set")


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_store_and_one_without_answers_say_how_to_fill_it(
    home: Path, show: Show, page: str, tmp_path: Path
) -> None:
    assert "python -m data import" in show(page)
    ownership.release()
    st.cache_data.clear()
    (tmp_path / "run.csv").write_text("run_id,step,kl,gold_reward\nr,1,0.1,0.5\nr,2,0.2,0.6\n")
    import_paths(made_home(), [tmp_path / "run.csv"], ReadOptions())
    text = show(page)
    assert "There are no graded answers" in text and "answers.parquet" in text


def test_the_story_of_replace(loop: None, show: Show) -> None:
    text = plain(show("hallucination", loop="replace", **{"with": "0"}))
    assert (
        "Wrong answers on the benchmark rose from 13.2 % to 76.0 % since iteration 0: 631 newly "
        "wrong, 3 newly right of 1,000 shared questions (t over entities that changed p < .001)."
        in text
    )
    assert "Wrong ones with confidence of at least 0.8 rise" in text
    assert "(1.2 % to 9.8 %; t over iterations, " in text
    assert "Mean confidence fell from 0.81 to 0.53 meanwhile" in text
    assert "17.8 points are malformed" in text
    assert "is no sign of an onset" in text
    assert "12.2 % → 63.0 %" in text and "14.2 % → 89.0 %" in text
    assert "does not say who graded" in text


def test_a_self_generated_rate_never_stands_alone(loop: None, show: Show) -> None:
    text = plain(show("hallucination", loop="verified", **{"with": "0"}))
    assert "2.0 % wrong on 300 self-generated questions against 26.3 % on the fixed" in text
    assert "28.7 % and 44.7 % not attempted" in text
    assert "Facts covered at iteration 8: 300 self-generated questions about" in text
    assert "cannot be paired" in text and "change from iteration to iteration" in text
    assert "12.2 % → 4.4 %" in text and "14.2 % → 48.2 %" in text


def test_arms_are_not_tested_with_one_loop_each(loop: None, show: Show) -> None:
    text = plain(show("hallucination", loop=["replace", "random_control"], by="arm"))
    assert "Loops an arm: random 1, replace 1." in text and "no test between arms" in text


@pytest.mark.parametrize("by", ["topic", "knowledge", "trained"])
def test_lines_by_part(loop: None, show: Show, by: str) -> None:
    assert "since iteration 0" in show("hallucination", loop="replace", by=by, axis="sqrt_kl")


def test_a_frozen_view_does_not_see_later_iterations(loop: None, show: Show) -> None:
    text = plain(show("hallucination", loop="replace", until="3"))
    assert "frozen at iteration 3" in text and "Newer rows exist: replace" in text
    assert "since iteration 2" in text and "76.0 %" not in text


def test_what_is_not_there_is_said(loop: None, show: Show) -> None:
    assert "asks for nobody, which is not in this store" in plain(
        show("hallucination", loop="nobody")
    )
    text = plain(show("calibration", loop="r3_grpo_bigrm"))
    assert "r3_grpo_bigrm has no graded answers in this store" in text
    text = plain(show("hallucination", loop="replace", **{"with": "77"}))
    assert "No answers were graded at iteration 77" in text
    text = plain(show("answers", loop="replace", question="nothing"))
    assert "asks for question nothing, which is not in these loops" in text


def test_facts_of_a_run_stand_beside_gold_and_are_no_alarm(loop: None, show: Show) -> None:
    text = plain(show("hallucination", loop="r3_grpo_bigrm"))
    assert "The share of wrong facts fell from 53.8 % (up to step 20) to 24.6 %" in text
    assert "the verdict goes by gold" in text


def test_calibration_with_its_null_value(loop: None, show: Show) -> None:
    text = plain(show("calibration", loop="replace", bins="10", at="9999"))
    assert "The link asks for iteration 9999, which has no confidence here." in text
    assert "replace: overconfident by 30." in text
    assert "ECE 0.306 over 10 bins of 970 attempted answers" in text
    assert "a calibrated model with these confidences has" in text
    assert "overconfident (mean confidence 0.52, 0.22 right)" in text
    assert "Kind of confidence in replace: not stated in the log." in text


@pytest.mark.parametrize("before", [None, 2.5])
def test_a_number_of_the_page_before_is_no_list_of_iterations(loop: None, before: object) -> None:
    """Scaling's ``at`` is one number, or none; the menu leads from there to here."""
    test = AppTest.from_file(str(ROOT / "pages" / "truth" / "calibration.py"), default_timeout=240)
    test.query_params["loop"] = "replace"
    test.session_state["at"] = before
    test.run()
    assert not test.exception, test.exception
    assert test.multiselect(key="at").value == []
    ownership.release()
    st.cache_data.clear()


def test_answers_begin_with_the_newly_wrong_and_lead_to_their_history(
    loop: None, show: Show
) -> None:
    text = show("answers", loop="replace", change="newly_wrong", origin="benchmark")
    assert "70 answers at iteration 8" in plain(text) and "By topic: " in text
    assert '<i class="word">before </i>' in text and "correct, sure 0." in text
    assert "newly wrong since iteration 7" in text
    assert "/answers?loop=replace&amp;question=" in text
    assert "There is no page 9: these filters give 3 pages." in plain(
        show("answers", loop="replace", change="newly_wrong", origin="benchmark", page="9")
    )
    history = show("answers", loop="verified", question="employer:1000", origin="benchmark")
    assert (
        "Doskinais Works" in history and "not attempted" in history and "Skafluko Press" in history
    )


def test_the_training_set_beside_its_control(loop: None, show: Show) -> None:
    text = plain(show("training_set", loop=["replace", "verified"]))
    first = text.index("first to last: 30.7 % to 67.0 % in replace and 0.0 % in verified")
    assert first < text.index("47.8 % of 2,400")
    assert (
        "25.4 % of 1,147<small>control: 30.4 %, not tested" in text
        and "+2.6 to +10.5, p = .001" in text
    )
    assert "47.8 % of 2,400 checked statements were false before they were trained on" in text
    assert "against 30.4 % of 803 in the control loop random_control" in text
    assert "0.0 % of 2,400 checked statements" in text
    assert "against 60.2 % of 1,844 for wrong answers that were not trained on" in text


def test_bad_answers_are_told_in_words(home: Path, show: Show, tmp_path: Path) -> None:
    rows = [answer(f"q{i}", "correct", topic="t", confidence=0.9) for i in range(20)]
    rows += [answer(f"r{i}", "incorrect", topic="few", confidence=0.9) for i in range(3)]
    rows += [answer("u", "perhaps"), answer("v", "correct", confidence=1.7)]
    rows += [answer("w", "correct"), answer("w", "incorrect")]
    warnings = brought(tmp_path / "answers.jsonl", rows)
    assert any("no known grade" in text for text in warnings)
    shown = plain(show("hallucination"))
    assert "1 answer of iteration 0 on the benchmark with no known grade: left out" in shown
    assert "1 answer of iteration 0 on the benchmark with a confidence outside [0, 1]" in shown
    assert "1 question of iteration 0 on the benchmark answered more than once" in shown
    assert "1 of them with different grades" in shown
    assert "Iteration 0 has no earlier answers on the benchmark to compare with." in shown
    assert "few: 3 benchmark questions, too few to tell (below 10)." in shown
    assert "1 iteration of answers on the benchmark: too few for a trend." in shown


def test_nothing_but_unknown_grades_is_said(home: Path, show: Show, tmp_path: Path) -> None:
    rows = [answer(f"q{i}", "maybe", iteration=t, topic="t") for i in range(12) for t in (0, 1)]
    brought(tmp_path / "answers.jsonl", [*rows, answer("x", "correct", iteration=0)])
    assert "No graded answer on the benchmark." in plain(show("hallucination"))


def test_text_from_a_log_is_shown_as_it_is(home: Path, show: Show, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    brought(tmp_path / "a.jsonl", [answer(hostile, "incorrect", question=hostile, answer=hostile,
                                          topic=hostile)])  # fmt: skip
    text = show("answers")
    assert "&lt;script&gt;" in text and f"<small>{hostile}" not in text
    assert "<script>alert" not in show("answers", question=hostile)


def test_sampled_answers_give_slick_and_entropy(home: Path, show: Show, tmp_path: Path) -> None:
    clusters = ["one"] * 6 + ["two"] * 3 + ["three"]
    rows = [
        answer(
            question, grade, sample_id=i, temperature=0.0 if i < 4 else 0.5, confidence=0.5,
            cluster=cluster,
        )
        for question, grade in (("known", "correct"), ("unknown", "incorrect"))
        for i, cluster in enumerate(clusters)
    ]  # fmt: skip
    brought(tmp_path / "samples.jsonl", rows)
    text = plain(show("calibration"))
    assert "SliCK of 2 questions: 1 HighlyKnown, 0 MaybeKnown, 0 WeaklyKnown, 1 Unknown." in text
    assert "0 of 10 right still allows P up to 30.0 %" in text
    assert "Mean semantic entropy 0.90 nats over 2 questions, 0 of them" in text


def test_paired_where_questions_are_shared_and_not_where_they_differ(
    home: Path, show: Show, tmp_path: Path
) -> None:
    """400 questions, 25 newly wrong and 11 newly right: p = .029 paired, not significant else."""
    before = ["incorrect"] * 48 + ["correct"] * 352
    now = ["correct"] * 11 + ["incorrect"] * 62 + ["correct"] * 327
    shared = [
        answer(f"q{i}", grade, loop="shared", iteration=t)
        for t, grades in enumerate((before, now))
        for i, grade in enumerate(grades)
    ]
    other = [row | {"loop": "other", "question_id": f"{row['iteration']}-{row['question_id']}"}
             for row in shared]  # fmt: skip
    pl.DataFrame(shared + other).write_parquet(tmp_path / "a.parquet")
    import_paths(made_home(), [tmp_path / "a.parquet"], ReadOptions())
    text = plain(show("hallucination"))
    assert "rose from 12.0 % to 15.5 % since iteration 0: 25 newly wrong, 11 newly right" in text
    assert "exact McNemar p = .029" in text
    assert "difference −1.3 to +8.3 points, 95 % Newcombe" in text
    assert "The two iterations were asked different questions (none shared)" in text

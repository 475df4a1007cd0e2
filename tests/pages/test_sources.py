"""The page Sources without a browser: an empty store, a few runs, and many."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from data.people import kept_roles
from pages.shared.keeping import ownership

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples"


@pytest.fixture
def page(open_script) -> Callable[..., AppTest]:
    return lambda *files, **address: open_script("review/sources.py", *files, **address)


def sweep(folder: Path, runs: int) -> Path:
    rows = [
        {"run_id": f"run-{run:03d}", "step": step, "kl": step / 4, "proxy_reward": step / 9,
         **({"gold_reward": 0.5} if step == run % 3 else {})}
        for run in range(runs) for step in range(4)
    ]  # fmt: skip
    path = folder / "sweep.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_an_empty_store_says_how_to_fill_it(page) -> None:
    test = page()
    assert not test.exception and not test.dataframe
    assert "python -m data import" in test.code[0].value


def test_a_run_is_told_whole_and_its_link_restores_it(page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("step,kl\n1")
    test = page(EXAMPLES / "r6_grpo_resume", broken, run="r6_grpo_resume")
    assert not test.exception
    (row,) = test.dataframe[0].value.to_dict("records")
    assert (row["run"], row["rows"], row["steps replaced"]) == ("r6_grpo_resume", 88, 8)
    assert (row["KL as logged"], row["converted"]) == ("nats/token, k3", "approximate")
    assert (row["trainer"], row["gold age, steps"]) == ("TRL GRPO", 0)
    text = " ".join(element.value for element in test.markdown)
    assert "8 steps logged twice" in text and "88 metric rows" in text
    (skip,) = test.dataframe[-1].value.to_dict("records")
    assert skip["path"] == str(broken) and "no rows" in skip["reason"]
    assert any(code.value.endswith("/sources?run=r6_grpo_resume") for code in test.code)


def test_two_hundred_runs_are_one_table(page, tmp_path: Path) -> None:
    test = page(sweep(tmp_path, 200))
    assert not test.exception
    table = test.dataframe[0].value
    assert table.shape[0] == 200
    assert sorted(set(table["gold age, steps"])) == [1, 2, 3]
    assert set(table["KL as logged"]) == {"nats/sequence, estimator unknown"}
    assert len(test.dataframe) == 1
    assert any("could be read" in caption.value for caption in test.caption)


def test_a_link_to_a_run_that_is_not_there_says_so(page, tmp_path: Path) -> None:
    test = page(sweep(tmp_path, 2), run="nobody")
    assert "nobody, which is not in this store" in test.error[0].value
    assert not test.exception


def test_the_page_reads_on_when_a_log_comes_that_cannot_be_read(
    page, home: Path, tmp_path: Path
) -> None:
    test = page(sweep(tmp_path, 1))
    broken = tmp_path / "late.csv"
    broken.write_text("")
    spool_paths(home, [broken], ReadOptions())
    ownership.owner().store.drain()
    test.run()
    assert test.dataframe[-1].value["path"].to_list() == [str(broken)]


def odd_unit(folder: Path) -> Path:
    rows = [
        {"run_id": "odd", "step": i, "reward": 0.2 + 0.03 * i, "kl": 0.05 * i / 19,
         "judge": 1 - i / 40, "response_length": 200.0, "tokens_out": 100.0}
        for i in range(20)
    ]  # fmt: skip
    path = folder / "odd.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def choose(test: AppTest, label: str, value: str) -> None:
    next(box for box in test.selectbox if box.label == label).set_value(value)


def last_kl() -> float:
    frame = ownership.owner().store.query("runs", project=None, runs=None)
    return float(frame["kl_end"][0])


def test_an_unknown_unit_is_asked_once_with_the_evidence(page, tmp_path: Path) -> None:
    test = page(odd_unit(tmp_path))
    assert "the unit of the KL" in test.expander[1].label
    text = " ".join(element.value for element in test.markdown)
    assert "the numbers suggest nats/token" in text and "rose from" in text
    unit = next(box for box in test.selectbox if box.label == "Unit of that KL")
    assert "nats/token (the numbers suggest this)" in unit.options
    choose(test, "Unit of that KL", "nats/token")
    choose(test, "Gold reward", "judge")
    test.button[-1].click().run()
    assert not test.exception and last_kl() == pytest.approx(10.0)
    assert "the unit of the KL" not in test.expander[1].label


def test_a_wrong_unit_and_length_are_mended_here(page, tmp_path: Path) -> None:
    spool_paths(
        ownership.owner().home, [odd_unit(tmp_path)], ReadOptions(kl_unit="nats", proxy="reward")
    )
    test = page()
    assert last_kl() == pytest.approx(0.05)
    choose(test, "Unit of that KL", "nats/token")
    choose(test, "Response length", "tokens_out")
    test.button[-1].click().run()
    assert last_kl() == pytest.approx(0.05)  # an import stated it: only where that is asked for
    test.checkbox[0].check()
    test.button[-1].click().run()
    assert not test.exception and last_kl() == pytest.approx(5.0)


def test_a_choice_that_cannot_hold_is_refused_in_a_sentence(page, tmp_path: Path) -> None:
    test = page(odd_unit(tmp_path))
    field = next(t for t in test.text_input if t.label.startswith("Coefficient"))
    field.set_value("much")
    test.button[-1].click().run()
    assert "is no coefficient" in test.error[0].value and not test.exception


def test_columns_of_graded_answers_are_kept_for_the_project(page, home: Path, tmp_path) -> None:
    test = page(sweep(tmp_path, 2))
    for label, value in {"Question": "Frage?", "Grade": "Jury says",
                         "What the grades mean": "gut=correct"}.items():  # fmt: skip
        boxes = [box for box in test.text_input if box.label == label]
        boxes[-1].set_value(value)
    keep = next(button for button in test.button if button.label == "Keep for this project")
    test = keep.click().run()
    assert not test.exception
    kept = kept_roles.read(home)["default"]
    assert (kept["question"], kept["grade"], kept["grade_map"]) == (
        "Frage?", "Jury says", "gut=correct"
    )  # fmt: skip

"""``python -m analytics hallucination`` on the bundled loop: the tables of its README."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analytics.__main__ import main
from data.columns import ReadOptions
from data.home import home as made_home
from data.incoming.importing import import_paths

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples" / "loop"
TABLES = {
    "replace": ([0.132, 0.196, 0.254, 0.316, 0.406, 0.517, 0.636, 0.706, 0.760],
                [0.012, 0.020, 0.028, 0.032, 0.038, 0.043, 0.043, 0.078, 0.098]),
    "accumulate": ([0.132, 0.182, 0.227, 0.244, 0.272, 0.280, 0.287, 0.301, 0.319],
                   [0.012, 0.021, 0.028, 0.028, 0.029, 0.030, 0.028, 0.029, 0.038]),
    "verified": ([0.132, 0.116, 0.127, 0.138, 0.135, 0.169, 0.199, 0.224, 0.263],
                 [0.012, 0.014, 0.012, 0.007, 0.008, 0.011, 0.010, 0.015, 0.025]),
    "random_control": ([0.132, 0.160, 0.188, 0.206, 0.241, 0.300, 0.326, 0.377, 0.368],
                       [0.012, 0.015, 0.021, 0.024, 0.029, 0.032, 0.044, 0.060, 0.052]),
}  # fmt: skip
KEYS = {
    "loop", "iteration", "origin", "topic", "knowledge", "n", "correct", "incorrect",
    "not_attempted", "rate", "low", "high", "rate_of_attempted", "confident", "confident_low",
    "confident_high", "f_score", "ece", "ece_null", "auroc", "brier", "change",
}  # fmt: skip
CHANGE = {"from_iteration", "difference", "low", "high", "test", "p", "q", "newly_wrong",
          "newly_right"}  # fmt: skip


@pytest.fixture(scope="module")
def loop_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    import_paths(folder, [EXAMPLES / "answers.parquet"], ReadOptions())
    return folder


@pytest.fixture
def ask(loop_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("OVEROPT_HOME", str(loop_home))

    def asked(*words: str, code: int = 0) -> str:
        assert main(["hallucination", *words]) == code
        return capsys.readouterr().out

    return asked


def test_json_reproduces_the_tables(ask) -> None:
    rows = json.loads(ask("--json"))
    assert all(row.keys() >= KEYS for row in rows)
    for loop, (wrong, confident) in TABLES.items():
        part = [r for r in rows if r["loop"] == loop and r["origin"] == "benchmark"
                and r["topic"] is None and r["knowledge"] is None]  # fmt: skip
        assert [r["iteration"] for r in part] == list(range(9))
        assert [r["rate"] for r in part] == pytest.approx(wrong, abs=5.01e-4)
        assert [r["confident"] for r in part] == pytest.approx(confident, abs=5.01e-4)
        assert part[0]["change"] is None and part[8]["change"].keys() >= CHANGE
    first, *_, last = (r for r in rows if r["loop"] == "replace" and r["origin"] == "benchmark"
                       and r["level"] == "total")  # fmt: skip
    assert (first["mean_confidence"], last["mean_confidence"]) == pytest.approx(
        (0.810, 0.526), abs=5.01e-4
    )
    assert last["malformed_rate"] == pytest.approx(0.178)
    known = {r["knowledge"]: r["rate"] for r in rows if r["loop"] == "replace"
             and r["origin"] == "benchmark" and r["iteration"] == 8 and r["knowledge"]}  # fmt: skip
    assert known == pytest.approx({"HighlyKnown": 0.648, "MaybeKnown": 0.825, "Unknown": 0.881,
                                   "WeaklyKnown": 0.943}, abs=5.01e-4)  # fmt: skip


def test_origins_are_never_pooled(ask) -> None:
    rows = json.loads(ask("--loop", "verified", "--json"))
    own = [r["rate"] for r in rows if r["origin"] == "self_generated" and r["level"] == "total"]
    assert (own[0], own[8]) == pytest.approx((0.0767, 0.02), abs=1e-4)
    assert {r["origin"] for r in rows} == {"benchmark", "self_generated"}


def test_compared_with_a_chosen_iteration(ask) -> None:
    rows = json.loads(ask("--loop", "replace", "--compare", "0", "--tau", "0.5", "--json"))
    last = next(r for r in rows if r["iteration"] == 8 and r["origin"] == "benchmark")
    change = last["change"]
    assert (change["from_iteration"], change["newly_wrong"], change["newly_right"]) == (0, 631, 3)
    assert change["difference"] == pytest.approx(0.628)
    assert last["confident"] == pytest.approx(0.346, abs=5.01e-4)


def test_a_run_is_called_a_run_and_until_ends_it(ask) -> None:
    rows = json.loads(ask("--run", "replace", "--until", "3", "--json"))
    assert {row["run"] for row in rows} == {"replace"}
    assert max(row["iteration"] for row in rows) == 3 and "loop" not in rows[0]


def test_the_text_says_it_in_sentences(ask) -> None:
    text = " ".join(ask("--loop", "verified", "--compare", "0").split())
    assert "26.3 % (23.7 to 29.1)" in text
    assert (
        "Wrong answers on the benchmark rose from 13.2 % to 26.3 % since iteration 0: 202 newly "
        "wrong, 71 newly right of 1,000 shared questions (t over entities that changed p < .001)."
        in text
    )
    assert "2.0 % wrong on 300 self-generated questions against 26.3 % on the fixed" in text


def test_a_loop_that_is_not_there(ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(ask("--loop", "nobody", "--json", code=1)) == []


def test_an_empty_store_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_home()
    assert main(["hallucination"]) == 0
    assert "There are no graded answers" in capsys.readouterr().out
    assert main(["hallucination", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_bad_answers_are_told_in_words(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(question: str, grade: str, confidence: float = 0.9) -> dict[str, object]:
        return {"loop": "l", "iteration": 0, "origin": "benchmark", "question_id": question,
                "grade": grade, "confidence": confidence}  # fmt: skip

    rows = [answer("a", "perhaps"), answer("b", "correct", 1.7), answer("c", "correct"),
            answer("c", "incorrect"), answer("d", "incorrect")]  # fmt: skip
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, rows)))
    import_paths(made_home(), [tmp_path / "answers.jsonl"], ReadOptions())
    assert main(["hallucination"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "l: 1 answer of iteration 0 on the benchmark with no known grade" in printed
    assert "l: 1 answer of iteration 0 on the benchmark with a confidence outside [0, 1]" in printed
    assert "l: 1 question of iteration 0 on the benchmark answered more than once" in printed
    assert "1 of them with different grades" in printed
    assert "Iteration 0 has no earlier answers on the benchmark to compare with." in printed
    assert main(["hallucination", "--json"]) == 0
    (total,) = json.loads(capsys.readouterr().out)
    assert (total["n"], total["ungraded"], total["confidence_refused"]) == (4, 1, 1)
    assert total["change"] is None

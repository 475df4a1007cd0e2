"""``python -m analytics verdict`` where runs cannot be judged."""

import json
from pathlib import Path

import pytest

from analytics.__main__ import main
from analytics.kept_verdicts import judging
from data.columns import ReadOptions
from data.incoming.importing import import_paths


@pytest.fixture
def two(home: Path, tmp_path: Path) -> None:
    rows = [
        {"run_id": run, "step": i, "kl": i / 4, "proxy_reward": i / 10, "gold_reward_se": 0.02,
         "gold_reward": i / 20 - (i > 20) * (i - 20) / 10}
        for run in ("a", "b") for i in range(40)
    ]  # fmt: skip
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    home.mkdir()
    import_paths(home, [tmp_path / "log.jsonl"], ReadOptions())


def statuses(capsys: pytest.CaptureFixture[str], *words: str) -> list[tuple[str, str]]:
    assert main(["verdict", "--json", *words]) == 0
    return [(row["run"], row["status"]) for row in json.loads(capsys.readouterr().out)]


@pytest.mark.usefixtures("two")
def test_a_run_that_takes_too_much_is_told_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(judging.MEMORY, "20")
    assert statuses(capsys, "--run", "a") == [("a", "not_judged")]
    monkeypatch.delenv(judging.MEMORY)
    assert statuses(capsys) == [("a", "not_judged"), ("b", "overoptimized")]
    assert main(["verdict", "--run", "a"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "This run could not be judged: it took more than 20 MB of memory" in printed
    assert statuses(capsys, "--again", "--run", "a") == [("a", "overoptimized")]
    assert statuses(capsys, "--until", "30") == [("a", "overoptimized"), ("b", "overoptimized")]


@pytest.mark.usefixtures("two")
def test_a_budget_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(judging.SECONDS, "soon")
    assert main(["verdict"]) == 1
    assert "OVEROPT_JUDGE_SECONDS='soon': a number above 0" in capsys.readouterr().err


@pytest.mark.usefixtures("two")
def test_a_limit_before_the_first_step_is_not_kept_as_the_whole_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert statuses(capsys, "--until", "-1") == [("a", "unmeasured"), ("b", "unmeasured")]
    assert statuses(capsys) == [("a", "overoptimized"), ("b", "overoptimized")]

"""Refusals help: each file, its columns, what it lacks; nothing read is never exit 0."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from data import readers
from data.__main__ import main
from data.columns import ReadOptions, RunLog, Skip

UNREAD = {
    "one.csv": ("a,b\n1,2\n", ("a, b", "proxy_reward, gold_reward or kl")),
    "two.csv": ("epoch,accuracy\n1,.5\n", ("epoch, accuracy", "--proxy")),
    "three.jsonl": ('{"x": 1, "y": 2}\n', ("x, y", "--proxy")),
    "answers.csv": ("question,model_answer\nq,a\n", ("question, model_answer", "grade")),
}


def printed(path: Path, capsys: pytest.CaptureFixture[str], status: int = 1) -> str:
    assert main(["import", str(path), "--json"]) == status
    return json.dumps(json.loads(capsys.readouterr().out)["skipped"])


@pytest.mark.parametrize("beside", ["", "step,loss\n1,2\n", "step,kl\n1\n"])
def test_a_folder_of_unread_tables_names_each(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], beside: str
) -> None:
    """Also where one of them looks more like a log, or is broken."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, (content, _) in UNREAD.items():
        (folder / name).write_text(content)
    if beside:
        (folder / "beside.csv").write_text(beside)
    text = printed(folder, capsys)
    for name, (_, words) in UNREAD.items():
        start = text.index(name)
        assert all(word in text[start:] for word in words), name
    assert ("beside.csv" in text) == bool(beside)


def test_a_stranger_beside_a_log_is_passed_by(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ours.csv").write_text("step,kl,proxy_reward\n0,0,1\n")
    (tmp_path / "one.csv").write_text(UNREAD["one.csv"][0])
    assert printed(tmp_path, capsys, status=0) == "[]"


def test_answers_are_told_of_what_answers_need(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "answers.csv").write_text(UNREAD["answers.csv"][0])
    text = printed(tmp_path / "answers.csv", capsys)
    assert "question_id" in text and "grade" in text and "--proxy" not in text


NOTHING = {
    "cells.csv": "step,kl,proxy_reward\n,,\n,,\n",
    "texts.csv": "step,kl,proxy_reward\n1,abc,def\n",
    "heads.csv": "step,kl,proxy_reward\n",
    "nulls.jsonl": '{"step": 1, "kl": null, "reward": null, "reward_std": null}\n',
    "trainer.csv": "step,kl,reward,reward_std,completions/mean_length\n1,,,,\n2,,,,\n",
    "answers.csv": "question_id,grade\n,\n",
    "samples.csv": "prompt,completion,proxy_reward\n",
    "corpus.csv": "loop,iteration,origin,generator_iteration,documents,tokens\n",
    "x.log": "{'loss': None}\n",
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_file_of_which_nothing_was_read_is_refused(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).write_text(NOTHING[name])
    assert Path(name).stem in printed(tmp_path / name, capsys)
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_table_cut_anywhere_gives_rows_or_a_refusal(tmp_path: Path) -> None:
    """Searches for an import that is empty and says nothing."""
    frame = pl.DataFrame({"step": [0, 5], "kl": [0.5, 1.5], "proxy_reward": [1.0, 2.0]})
    whole = {"csv": frame.write_csv(), "jsonl": frame.write_ndjson()}
    for kind, text in whole.items():
        for end in range(len(text)):
            path = tmp_path / f"cut.{kind}"
            path.write_text(text[:end])
            items = list(readers.read([path], ReadOptions()))
            assert items, (kind, end)
            for item in items:
                assert isinstance(item, Skip) or holds(item), (kind, end)


def holds(log: RunLog) -> bool:
    numbers = log.metrics.select("kl", "proxy_reward", "gold_reward")
    return any(column.count() for column in numbers.get_columns())


def test_the_import_table_counts_answers(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "loop,iteration,question_id,grade\n" + "".join(f"a,0,q{i},correct\n" for i in range(7))
    (tmp_path / "graded.csv").write_text(rows)
    assert main(["import", str(tmp_path / "graded.csv")]) == 0
    head, row = (line.split() for line in capsys.readouterr().out.splitlines()[:2])
    assert "answers" in head and "7" in row

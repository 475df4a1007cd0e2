"""The review's document: one file, the same for the same review, and no text of it is read."""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest
from markdown_it import MarkdownIt

from analytics.__main__ import main
from analytics.figures.drawing.curves import RunCurve
from analytics.review.changes import Change
from analytics.review.dictionary import DICTIONARY, tables
from analytics.review.document import MOST_FIGURES, html, markdown
from data import runs_df
from data.__main__ import main as data_main
from data.columns import ReadOptions
from data.database.sql import StoreError
from data.incoming.importing import import_paths
from data.outgoing.alert_files import rules_file
from data.outgoing.exporting import packed_tables
from data.people.written import keep_note
from data.remote import StoreAccess
from tests.tags import Seen

TODAY = datetime.date(2026, 11, 28)
SPAN = ("2026-11-21T00:00:00+00:00", "2026-11-28T10:00:00+00:00", TODAY)
VERDICT = {
    "run": "r0", "status": "no_onset", "axis": "kl", "kl_end": 9.0, "step_end": 30, "peak": None,
    "gold_lost": None, "alarm": None, "gold_evaluations": 3, "flags": [], "reasons": [],
}  # fmt: skip


def curve(name: str) -> RunCurve:
    rows = 256
    frame = pl.DataFrame({
        "run_id": name, "phase": "train", "step_start": range(rows), "step_end": range(rows),
        "n_rows": 1, "kl": [i / 10 for i in range(rows)],
        "proxy_reward": [i / 9 for i in range(rows)], "gold_reward": [i / 7 for i in range(rows)],
    })  # fmt: skip
    return RunCurve(name, 0, frame, pl.DataFrame(), VERDICT)


def change(subject: str, needs: bool = True, what: str = "alarm raised") -> Change:
    return Change("alarm_raised", subject, what, "16 more rows", "/overoptimization?run=a", needs)


HOSTILE = [
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "$LaTeX$ :red[x] :material/home:", "=HYPERLINK(\"http://e.example\")", "a\u202eb", "|a|b|",
    "@channel <!here> http://e.example", "x" * 1_000_000, "'\"><svg/onload=alert(1)>", "\x00\n# h",
    "%{x} <b>b</b>", "{{7*7}} ${7*7}", "<!--", "]]>", "&lt;script&gt;",
]  # fmt: skip


NOTE = {"run_id": "r", "topic": None, "pin_id": None, "step": None, "iteration": None,
        "text": "**b**", "decision": "stop", "owner": None, "due": None, "by": "Ada",
        "at": SPAN[1]}  # fmt: skip


def test_hostile_text_is_text_in_every_form() -> None:
    found = [change(text, what=text) for text in HOSTILE]
    notes = [NOTE | {"text": text, "by": text[:200], "run_id": text} for text in HOSTILE]
    made = html(found, *SPAN, [curve(HOSTILE[0])], notes, "http://monitor.example")
    seen = Seen(made).tags
    assert {tag for tag, _ in seen} <= {
        "html", "head", "meta", "title", "style", "script", "body", "h1", "h2", "h3", "p", "small",
        "section", "ul", "li", "a", "b", "div", "details", "summary", "table", "tr", "th", "td",
        "em", "strong", "code", "pre",
    }  # fmt: skip
    assert not any(name.startswith("on") for _, named in seen for name in named)
    assert all((named.get("href") or "http://").startswith("http") for _, named in seen)
    assert "\u202e" not in made and len(made) < 8_000_000
    written = markdown(found, *SPAN, notes)
    as_read = Seen(MarkdownIt("commonmark").render(written)).tags
    assert {tag for tag, _ in as_read} == {"h1", "h2", "p", "strong", "ul", "li"}
    assert "@channel" not in written
    assert len(written) < 60_000
    packed = packed_tables(tables(found, [], []))
    csv = zipfile.ZipFile(io.BytesIO(packed)).read("changes.csv").decode()
    assert '\n"=HYPER' not in csv and "'=HYPERLINK" in csv


def test_twenty_figures_are_one_small_file_with_plotly_once() -> None:
    names = [f"r{i}" for i in range(25)]
    made = html([change(n) for n in names], *SPAN, [curve(n) for n in names], [])
    assert made.count("Plotly.newPlot(") == MOST_FIGURES == 20
    assert made.count("plotly.js v") == 1 and len(made.encode()) < 8_000_000
    assert made == html([change(n) for n in names], *SPAN, [curve(n) for n in names], [])
    assert "default-src 'none'" in made and "@media print" in made
    assert not [named for _, named in Seen(made).tags if "src" in named]


def test_nothing_to_decide_needs_no_figure() -> None:
    made = html([], *SPAN, [], [])
    assert "Nothing needs a decision." in made and "Plotly" not in made
    assert "Nothing needs a decision." in markdown([], *SPAN, [])


def test_every_column_of_the_tables_is_in_the_dictionary() -> None:
    for made in (tables([change("a")], [VERDICT], [curve("a")]), tables([], [], [])):
        for name, columns in DICTIONARY.items():
            assert made[name].columns == list(columns)
        assert made["dictionary"].height == sum(map(len, DICTIONARY.values()))


@pytest.fixture
def filled(home: Path, tmp_path: Path) -> Path:
    log = tmp_path / "falls.csv"
    lines = "".join(f"falls,{i},{i / 5},{i / 5},{min(i, 16 - i) / 10},0.05\n" for i in range(30))
    log.write_text("run_id,step,kl,proxy_reward,gold_reward,gold_reward_se\n" + lines)
    import_paths(home, [log], ReadOptions())
    with StoreAccess(home) as store:
        keep_note(store, {"run_id": "other", "decision": "escalate", "by": "Ada"})
    return tmp_path


def test_the_command_writes_the_same_bytes_again(filled: Path, capsys) -> None:
    words = ["review", "--since", "2026-01-01", "--on", "2026-11-28", "--json"]
    texts = []
    for n in range(2):
        names = [filled / f"{n}.html", filled / f"{n}.zip"]
        assert main([*words, "--out", str(names[0]), "--data", str(names[1])]) == 0
        texts.append([name.read_bytes() for name in names])
    assert texts[0] == texts[1]
    assert main([*words, "--out", str(filled / "a.md")]) == 0
    assert b"Plotly.newPlot(" in texts[0][0] and "escalate" in (filled / "a.md").read_text()
    found = json.JSONDecoder().raw_decode(capsys.readouterr().out)[0]
    assert found["since"] == "2026-01-01T00:00:00+00:00"
    keys = {"kind", "subject", "what", "evidence", "link", "needs_decision"}
    assert keys <= set(found["changes"][0]) and found["changes"][0]["subject"] == "falls"


def test_a_wrong_date_is_told(home: Path, capsys) -> None:
    home.mkdir()
    assert main(["review", "--since", "soon", "--json"]) == 1
    assert "is no date such as" in capsys.readouterr().err
    assert main(["review"]) == 1
    assert "--out FILE" in capsys.readouterr().err


ASKING = (
    (main, ["review", "--json"], 2), (main, ["alerts"], 2),
    (main, ["alerts", "--mute", "r", "--by", "Ada"], 2), (main, ["alerts", "--send"], 1),
    (main, ["alerts", "--dry-run"], 1), (main, ["alerts", "--test"], 1),
    (main, ["verdict"], 2), (main, ["verdict", "--json"], 2), (main, ["hallucination"], 2),
    (main, ["behaviours"], 2), (main, ["collapse", "--json"], 2),
    (main, ["gate", "--loop", "l", "--iteration", "1"], 3),
    (data_main, ["list"], 2), (data_main, ["list", "--json"], 2), (data_main, ["check"], 2),
    (data_main, ["roles", "--json"], 2), (data_main, ["forget", "r"], 2),
    (data_main, ["export", "--run", "r", "--out", "x.csv"], 2), (data_main, ["backup", "b.tar"], 2),
)  # fmt: skip


@pytest.mark.parametrize("there", [False, True])
def test_a_store_that_is_not_there_is_no_good_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, there: bool
) -> None:
    nowhere = tmp_path / "mistyped"
    monkeypatch.setenv("OVEROPT_HOME", str(nowhere))
    monkeypatch.chdir(tmp_path)
    if there:
        nowhere.mkdir()
    for does, words, code in ASKING:
        assert does(words) == code, words
        printed = capsys.readouterr()
        rules = there and code == 1  # the folder is there: the rules alone are missing in it
        assert ("--proposal" if rules else "OVEROPT_HOME") in printed.err, words
        assert (
            "othing needs a decision" not in printed.out + printed.err and "[]" not in printed.out
        )
        assert "error" in json.loads(printed.out) if "--json" in words else not printed.out, words
    with pytest.raises(StoreError, match="no store in"):
        runs_df()
    assert list(tmp_path.rglob("*")) == [nowhere] * there  # nothing was made


def test_rules_without_a_store_send_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("OVEROPT_ALERT_URL", "http://127.0.0.1:1/")
    home.mkdir()
    assert main(["alerts", "--proposal"]) == 0
    rules_file(home).write_text(capsys.readouterr().out)
    for flag in ("--send", "--dry-run"):
        assert main(["alerts", flag]) == 2 and "no store in" in capsys.readouterr().err
    assert list(home.iterdir()) == [rules_file(home)]


def test_a_store_into_which_nothing_came_is_empty(home: Path, capsys) -> None:
    assert data_main(["import", str(home), "--strict"]) == 1  # it began a store
    for does, words in ((data_main, ["list", "--json"]), (main, ["verdict", "--json"])):
        assert does(words) == 0 and json.loads(capsys.readouterr().out) == []
    assert data_main(["list"]) == 0 and "The store is empty" in capsys.readouterr().out
    assert data_main(["backup", str(home / "b.tar")]) == 2


@pytest.mark.parametrize(
    ("out", "says"),
    [(".", "is a folder"), ("review.pdf", "HTML"), ("no/such/review.html", "no folder"),
     ("review\0.html", "cannot be written")],
)  # fmt: skip
def test_a_document_that_cannot_be_written_is_told_first(
    home: Path, tmp_path: Path, capsys, out: str, says: str
) -> None:
    home.mkdir()
    assert main(["review", "--out", str(tmp_path / out)]) == 2
    assert says in capsys.readouterr().err

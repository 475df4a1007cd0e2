"""A loop's tables, from loop.toml and by themselves, into the store and out of it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import struct
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

import data.__main__
from data import spool
from data.columns import ReadOptions, RunLog, Skip
from data.database.sql import StoreError
from data.declared import LOOP_TABLES
from data.incoming.importing import import_paths
from data.owner import Owner
from data.readers import read
from data.upkeep.backup import back_up, restore

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "tests" / "data" / "logs" / "loop"
ROWS = {"iterations": 3, "reviews": 8, "outcomes": 6, "decisions": 1, "reference_texts": 3}
DECISION = {
    "loop": "replies", "iteration": 2, "decision": "stop", "by": "Eve",
    "at": "2026-06-20T09:00:00Z", "expires": None, "snapshot": "generation 4", "note": "it's worse",
}  # fmt: skip


def copied(folder: Path, **changed: tuple[str, str]) -> Path:
    """The loop's folder elsewhere, some files (dots as underscores) with another text in them."""
    shutil.copytree(LOGS, folder)
    for name, (old, new) in changed.items():
        file = folder / name.replace("_", ".")
        text = file.read_text()
        assert old in text, (name, old)
        file.write_text(text.replace(old, new, 1))
    return folder / "loop.toml"


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the loop, for tests that only ask it."""
    home = tmp_path_factory.mktemp("replies")
    import_paths(home, [LOGS / "loop.toml"], ReadOptions())
    return home


def refused(path: Path) -> str:
    items = list(read([path], ReadOptions()))
    assert all(isinstance(item, Skip) for item in items), items
    return " ".join(item.reason for item in items if isinstance(item, Skip))


def asked(home: Path, name: str, **params: object) -> pl.DataFrame:
    with closing(Owner(home)) as owner:
        return owner.store.query(name, **params)


def all_rows(home: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(Owner(home)) as owner, owner.store._db.cursor() as cursor:
        return {
            table.name: cursor.sql(f"from {table.name} order by all").fetchall()
            for table in LOOP_TABLES
        }


@pytest.mark.parametrize("what", ["loop.toml", "."])
def test_a_loop_comes_in_whole(what: str, home: Path) -> None:
    """By its file alone or by its folder, in which the named tables are not read once more."""
    done = import_paths(home, [LOGS / what], ReadOptions())
    assert [skip.reason for skip in done.skipped] == []
    assert {run["run"] for run in done.runs} == {"replies", "other"}
    (result,) = (run for run in done.runs if run["run"] == "replies")
    assert {name: result[name] for name in ROWS} == ROWS
    assert (result["points"], result["samples"], result["answers"]) == (3, 12, 12)
    iterations = asked(home, "iterations", loops=["replies"], until=None)
    assert iterations["parent"].to_list() == ["sft", "iteration 0", "iteration 0"]
    assert iterations["runs"].to_list() == [None, '["replies-rft-1"]', '["replies-rft-2"]']
    assert iterations["trained_on"][1] == "human replies, 2025, kept texts of iteration 0"
    assert iterations["data_at"].to_list() == [None, "2026-06-01", "2026-06-15"]
    again = import_paths(home, [LOGS / what], ReadOptions())
    assert all(run["replaced"] == 0 and not any(run[name] for name in ROWS) for run in again.runs)


def test_questions_give_frames(replies: Path) -> None:
    home = replies
    assert asked(home, "loops")["loop"].to_list() == ["replies"]
    texts = asked(home, "generations", loops=["replies"], iterations=[1], until=None)
    assert texts.columns[:6] == ["loop", "iteration", "text_id", "prompt_id", "prompt", "text"]
    assert texts["text_id"].sort().to_list() == ["t1-lat-0", "t1-lat-1", "t1-ref-0", "t1-ref-1"]
    assert texts["kept"].sum() == 2 and texts["n_tokens"].sum() == 34
    assert set(texts["logprob_base"]) == {-9.0}
    reviews = asked(home, "reviews", loops=["replies"], until=1)
    assert reviews["preferred"].value_counts().sort("preferred").rows() == [
        ("a", 3), ("b", 3), ("tie", 2)
    ]  # fmt: skip
    outcomes = asked(home, "outcomes", loops=None, until=0).sort("metric")
    assert outcomes.select("metric", "value", "higher_is_better").rows() == [
        ("recontact", 0.12, False), ("resolution", 0.71, True)
    ]  # fmt: skip
    assert asked(home, "decisions", loops=["replies"], until=0).is_empty()
    assert asked(home, "reference_texts", loops=["replies"])["text_id"].to_list() == [
        "h0", "h1", "h2"
    ]  # fmt: skip


def test_a_corpus_keeps_rows_of_one_group_apart(replies: Path, home: Path, tmp_path: Path) -> None:
    """Verified and other texts of one iteration are two rows; a corrected table replaces both."""
    shutil.copytree(replies, home)
    ours = asked(home, "corpus", loops=["replies"], until=1).filter(generator_iteration=0)
    key = ("documents", "depth", "verified", "verifier", "licence", "reward_model")
    assert sorted(ours.select(key).rows()) == [
        (40, 1, False, None, "own", "rm-1"), (60, 1, True, "knowledge base", "own", "rm-1")
    ]  # fmt: skip
    corpus = asked(home, "corpus", loops=["replies"], until=None)
    corpus.with_columns(pl.col("depth") + 1).write_csv(tmp_path / "corpus.csv")
    import_paths(home, [tmp_path / "corpus.csv"], ReadOptions())
    now = asked(home, "corpus", loops=["replies"], until=None)
    assert (
        now.height == corpus.height and now["depth"].sum() == corpus["depth"].sum() + corpus.height
    )


@pytest.mark.parametrize(("old", "new", "line", "sentence"), [
    ('loop = "replies"', 'loop = "replies"\ncolour = "red"', 3, "unknown key: colour"),
    ('reviews = "reviews.csv"', 'reviews = "gone.csv"', 8, "there is no file 'gone.csv'"),
    ('reviews = "reviews.csv"', 'reviews = "outcomes.csv"', 8, "holds outcomes, and no reviews"),
    ('reviews = "reviews.csv"', 'reviews = "../loop/reviews.csv"', 8, "leads out of the folder"),
    ('reviews = "reviews.csv"', "reviews = 3", 8, "must be a path"),
    ("number = 2", "number = 1", 28, "iteration 1 is there twice, first in line 20"),
    ("number = 2", "number = -1", 28, "must be a whole number from 0"),
    ("number = 2", "number = 99999999999999999999", 28, "must be a whole number from 0"),
    ("number = 2", 'number = "two"', 28, "must be a whole number from 0"),
    ("parent = 0", "parent = 7", 29, "iteration 2 cannot come from iteration 7"),
    ("parent = 0", "parent = 2", 29, "iteration 2 cannot come from iteration 2"),
    ("parent = 0", "parent = 1.5", 29, "must be a number or a text"),
    ("parent = 0", "parent = -1", 29, "must be a number or a text"),
    ('data_at = "2026-06-15"', 'data_at = "June"', 32, "must begin with a date"),
    ('loop = "replies"', 'loop = "elsewhere"', 3, "has rows of other, replies (column loop)"),
    ('runs = ["replies-rft-2"]', "runs = [2]", 30, "must be names of runs"),
    ('runs = ["replies-rft-2"]', "run = 2", 30, "unknown key: run"),
    ('loop = "replies"', "loop = 7", 2, "must be a text"),
    ('loop = "replies"', "loop = ", 2, "is no TOML"),
    ('reference = "reference.csv"', 'reference = "outcomes.csv"', 11, "no column text"),
])  # fmt: skip
def test_a_wrong_file_is_named_with_its_line(
    old: str, new: str, line: int, sentence: str, tmp_path: Path
) -> None:
    """Nothing of it is read, and the sentence says where and what."""
    reason = refused(copied(tmp_path / "x", loop_toml=(old, new)))
    assert sentence in reason and f"line {line}" in reason, reason


def test_iterations_in_one_line_are_named_without_a_line_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "loop.toml").write_text('loop = "l"\niteration = [{number = 1}, {number = 1}]\n')
    reason = refused(tmp_path / "loop.toml")
    assert "iteration 1 is there twice: number" in reason, reason


def test_truths_are_read_as_people_write_them_and_what_is_none_is_named(tmp_path: Path) -> None:
    rows = ["yes", "No", "TRUE", "0", "", "10"]
    head = "loop,iteration,origin,generator_iteration,documents,tokens,verified\n"
    (tmp_path / "corpus.csv").write_text(
        head + "".join(f"l,1,self_generated,0,1,1,{truth}\n" for truth in rows)
    )
    (log,) = read([tmp_path / "corpus.csv"], ReadOptions())
    assert isinstance(log, RunLog)
    assert log.corpus["verified"].to_list() == [True, False, True, False, None, None]
    assert "line 7, column verified: '10' is neither true nor false" in " ".join(log.warnings)


def test_counts_below_0_are_named_and_not_measured(tmp_path: Path) -> None:
    head = "loop,iteration,origin,generator_iteration,documents,tokens,depth\n"
    (tmp_path / "corpus.csv").write_text(head + "l,1,self_generated,0,-890,-8900,-1\n")
    (log,) = read([tmp_path / "corpus.csv"], ReadOptions())
    assert isinstance(log, RunLog)
    assert log.corpus.select("documents", "tokens", "depth").row(0) == (None, None, None)
    assert "line 2, column documents: '-890' is below 0" in " ".join(log.warnings)


def test_a_decision_is_known_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("loop,iteration,decision,by,at\nl,1,Continue,A,2026-11-20\n")
    (log,) = read([tmp_path / "d.csv"], ReadOptions())
    assert isinstance(log, RunLog) and log.tables["decisions"]["decision"].item() == "continue"


def test_a_file_of_another_name_is_read_where_it_is_named(tmp_path: Path) -> None:
    path = copied(tmp_path / "x")
    renamed = path.rename(path.with_name("replies.toml"))
    assert any(isinstance(item, RunLog) for item in read([renamed], ReadOptions()))
    other = tmp_path / "pyproject.toml"
    other.write_text('[project]\nname = "x"\n')
    assert "no known format" in refused(other)


@pytest.mark.parametrize(("name", "old", "new", "sentence"), [
    ("reviews_csv", ",a,2026", ",both,2026", "is neither a, b nor tie"),
    ("outcomes_csv", "0.71,true", "much,true", "value"),
    ("outcomes_csv", "0.71,true", "0.71,perhaps", "higher_is_better"),
    ("decisions_csv", ",Dee,", ",,", "by"),
])  # fmt: skip
def test_a_row_that_cannot_be_kept_is_named(
    name: str, old: str, new: str, sentence: str, tmp_path: Path
) -> None:
    file = copied(tmp_path / "x", **{name: (old, new)}).with_name(name.replace("_", "."))
    items = list(read([file], ReadOptions()))
    warnings = [w for item in items for w in (item.warnings if isinstance(item, RunLog) else [])]
    reasons = [item.reason for item in items if isinstance(item, Skip)]
    text = " ".join([*warnings, *reasons])
    assert sentence in text and "line" in text, text


def test_a_raters_later_choice_replaces_the_earlier(home: Path, tmp_path: Path) -> None:
    import_paths(home, [LOGS / "reviews.csv"], ReadOptions())
    text = (LOGS / "reviews.csv").read_text().replace(",a,2026-06-03", ",b,2026-06-04")
    (tmp_path / "reviews.csv").write_text(text)
    (run,) = import_paths(home, [tmp_path / "reviews.csv"], ReadOptions()).runs
    assert (run["reviews"], run["replaced"]) == (0, 3)
    assert set(asked(home, "reviews", loops=None, until=None)["preferred"]) == {"b", "tie"}
    twice = pl.concat([pl.read_csv(LOGS / "reviews.csv")] * 2)
    twice.write_csv(tmp_path / "twice.csv")
    (log,) = read([tmp_path / "twice.csv"], ReadOptions())
    assert isinstance(log, RunLog) and "repeat loop, iteration, item_id" in log.warnings[0]


def test_a_decision_is_a_record_that_survives_everything(home: Path, tmp_path: Path) -> None:
    """Through the inbox, a rebuild from the archive, a backup; before its loop is there, too."""
    home.mkdir()
    spool.write_decision(home, DECISION)
    import_paths(home, [LOGS / "loop.toml"], ReadOptions())
    before = all_rows(home)
    assert tuple(DECISION.values()) in before["decisions"] and len(before["decisions"]) == 2
    back_up(home, tmp_path / "all.tar")
    (home / "store.duckdb").unlink()
    assert all_rows(home) == before
    (tmp_path / "other").mkdir()
    restore(tmp_path / "all.tar", tmp_path / "other")
    assert all_rows(tmp_path / "other") == before
    for missing in ("loop", "decision", "by", "at"):
        with pytest.raises(StoreError, match=f"a decision needs {missing}"):
            spool.write_decision(home, DECISION | {missing: None})


def test_a_decision_is_seen_by_every_cache(replies: Path, home: Path) -> None:
    shutil.copytree(replies, home)
    before = asked(home, "counts")["generation"][0]
    spool.write_decision(home, DECISION)
    assert asked(home, "counts")["generation"][0] > before


def test_a_forgotten_loop_leaves_nothing(replies: Path, home: Path) -> None:
    shutil.copytree(replies, home)
    spool.write_forget(home, ["replies"])
    assert not any(all_rows(home).values())
    assert asked(home, "loops").is_empty()


@pytest.mark.parametrize("table", [*ROWS, "corpus", "generations", "answers"])
def test_what_is_exported_comes_in_again(
    table: str, replies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exported, imported elsewhere: the same rows, without a loop.toml too."""
    monkeypatch.setenv("OVEROPT_HOME", str(replies))
    out = tmp_path / f"{table}.parquet"
    words = ["export", "--run", "replies", "--table", table, "--format", "parquet"]
    assert data.__main__.main([*words, "--out", str(out)]) == 0
    other = tmp_path / "other"
    monkeypatch.setenv("OVEROPT_HOME", str(other))
    assert import_paths(other, [out], ReadOptions()).skipped == []
    again = tmp_path / "again.parquet"
    assert data.__main__.main([*words, "--out", str(again)]) == 0
    assert pl.read_parquet(again).equals(pl.read_parquet(out)) and pl.read_parquet(out).height


def test_a_run_that_is_not_there_has_no_table(
    replies: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("OVEROPT_HOME", str(replies))
    words = ["export", "--run", "nobody", "--table", "reviews", "--out", "x.csv"]
    assert data.__main__.main(words) != 0
    assert "there is no run 'nobody'" in capsys.readouterr().err


def test_import_says_what_came(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert data.__main__.main(["import", str(LOGS / "loop.toml"), "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert {run["run"]: run["reviews"] for run in runs} == {"replies": 8, "other": 0}
    # The last of its tables says nothing of KL, and unsays nothing that the first one said.
    assert {run["kl_conversion"] for run in runs} == {"exact"}
    assert {run["kl_key"] for run in runs} == {"kl"}


def test_a_table_without_metrics_is_not_said_to_miss_its_kl(
    home: Path, capsys: pytest.CaptureFixture
) -> None:
    assert data.__main__.main(["import", str(LOGS / "outcomes.csv")]) == 0
    printed = capsys.readouterr().out
    assert "?" not in printed and "missing" not in printed and "not logged" not in printed


WRITTEN = {
    "outcomes": "Loop;Iteration;KPI;Cases;Rate;Lower is better\n"
    "replies;0;recontact;1200;12 %;yes\n",
    "reviews": "Loop,Iteration,Item,Reviewer,Winner,Date,model_a,model_b\n"
    "replies,1,i0,Bo,Model A,2026-06-03,1,0\nreplies,1,i1,Bo,equal,2026-06-03,1,0\n",
    "decisions": "Loop,Iteration,Decision,Approved by,Date,Reason\n"
    "replies,1,Approved,Dee,2026-06-05,fine\nreplies,2,rolled back,Dee,2026-06-19,worse\n",
    "corpus": "Loop,Iteration,Source,Docs,Generator,Tokens,License\n"
    "replies,1,human,100,,4000,own\nreplies,1,self_generated,50,0,2000,own\n",
    "reference": "ID,Response\nh9,People wrote this.\n",
}  # fmt: skip
"""Tables as somebody might write them who has not read the list of columns."""


def test_headings_and_words_of_people_are_known(home: Path, tmp_path: Path) -> None:
    """Where the loop's file says what a table is, columns may have other names; that is said."""
    lines = ['loop = "replies"', *(f'{key} = "{key}.csv"' for key in WRITTEN)]
    (tmp_path / "loop.toml").write_text("\n".join(lines))
    for key, text in WRITTEN.items():
        (tmp_path / f"{key}.csv").write_text(text)
    done = import_paths(home, [tmp_path / "loop.toml"], ReadOptions())
    assert done.skipped == []
    (run,) = done.runs
    assert "outcomes.csv: column KPI is read as metric" in run["warnings"]
    (outcome,) = asked(home, "outcomes", loops=None, until=None).to_dicts()
    assert (outcome["metric"], outcome["n"], outcome["higher_is_better"]) == (
        "recontact", 1200, False
    )  # fmt: skip
    assert outcome["value"] == pytest.approx(0.12)
    reviews = asked(home, "reviews", loops=None, until=None)
    assert reviews.select("item_id", "rater", "preferred", "origin_a").rows() == [
        ("i0", "Bo", "a", "1"), ("i1", "Bo", "tie", "1")
    ]  # fmt: skip
    decided = asked(home, "decisions", loops=None, until=None)
    assert decided.select("decision", "by", "note").rows() == [
        ("approve", "Dee", "fine"), ("roll_back", "Dee", "worse")
    ]  # fmt: skip
    corpus = asked(home, "corpus", loops=None, until=None)
    assert corpus["licence"].to_list() == ["own"] * 2
    assert (
        corpus["documents"].sum() == 150 and corpus["generator_iteration"].drop_nulls().len() == 1
    )
    assert asked(home, "reference_texts", loops=None)["text_id"].to_list() == ["h9"]


@pytest.mark.parametrize(
    "spelt", [lambda head: head.title().replace("_", " "), str.upper,
              lambda head: head.replace("_", "-")], ids=["Title", "UPPER", "dashes"]
)  # fmt: skip
def test_tables_are_known_in_any_spelling_of_their_headings(
    spelt, replies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exported, their headings spelt as people do, imported: the same rows."""
    monkeypatch.setenv("OVEROPT_HOME", str(replies))
    files = {table.name: tmp_path / f"out-{at}.csv" for at, table in enumerate(LOOP_TABLES[:-1])}
    for name, file in files.items():
        words = ["export", "--run", "replies", "--table", name, "--format", "csv"]
        assert data.__main__.main([*words, "--out", str(file)]) == 0
        head, _, rest = file.read_text().partition("\n")
        file.write_text(f"{spelt(head)}\n{rest}")
    assert import_paths(tmp_path / "other", list(files.values()), ReadOptions()).skipped == []
    before, after = all_rows(replies), all_rows(tmp_path / "other")
    for name in files:
        assert after[name] == before[name], name


def test_a_word_that_is_no_decision_is_named_and_kept(tmp_path: Path) -> None:
    file = copied(tmp_path / "x", decisions_csv=("continue", "LGTM")).with_name("decisions.csv")
    (log,) = read([file], ReadOptions())
    assert isinstance(log, RunLog) and log.tables["decisions"]["decision"].to_list() == ["lgtm"]
    assert "line 2, column decision: 'lgtm' is none of continue, approve" in log.warnings[0]


def test_a_parent_in_a_table_is_told_as_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "iterations.csv").write_text(
        "loop,iteration,parent\nx,0,SFT\nx,1,previous\nx,2,0\nx,3,Iteration 1\n"
    )
    (log,) = read([tmp_path / "iterations.csv"], ReadOptions())
    assert isinstance(log, RunLog) and log.tables["iterations"]["parent"].to_list() == [
        "sft", "iteration 0", "iteration 0", "iteration 1"
    ]  # fmt: skip


def test_a_corpus_is_read_as_people_write_it(tmp_path: Path) -> None:
    """Human in capitals is human, and no text of a model that nobody knows."""
    (tmp_path / "c.csv").write_text(
        "loop,iteration,origin,generator_iteration,documents,tokens\n"
        "x,1,Human,-1,100,4000\nx,1,Self-generated,iteration 0,50,2000\nx,1,web,,5,10\n"
    )
    (log,) = read([tmp_path / "c.csv"], ReadOptions())
    assert isinstance(log, RunLog)
    assert log.corpus.select("origin", "generator_iteration").rows() == [
        ("human", None), ("self_generated", 0), ("web", None)
    ]  # fmt: skip
    assert "column generator_iteration: '-1' is below 0" in log.warnings[0]


def test_a_date_in_another_form_is_named(tmp_path: Path) -> None:
    file = copied(tmp_path / "x", decisions_csv=("2026-06-05T10:00:00Z,2026-06-19", "05.06.2026,"))
    (log,) = read([file.with_name("decisions.csv")], ReadOptions())
    assert isinstance(log, RunLog) and "column at: '05.06.2026' does not begin" in log.warnings[0]


def said_of(folder: Path, key: str, name: str, text: str, loop: str = "replies") -> str:
    """What the import says of one table of a loop, or why it reads nothing."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / "loop.toml").write_text(f'loop = "{loop}"\n{key} = "{name}"\n')
    items = list(read([folder / "loop.toml"], ReadOptions()))
    return " | ".join(
        text for item in items
        for text in (item.warnings if isinstance(item, RunLog) else [item.reason])
    )  # fmt: skip


@pytest.mark.parametrize("key", [
    "metrics", "generations", "answers", "corpus", "reviews", "outcomes", "decisions", "reference",
])  # fmt: skip
def test_no_heading_with_a_slip_is_passed_by_without_a_word(key: str, tmp_path: Path) -> None:
    """Each heading of each table of a loop with one letter lost: named, or the table refused."""
    (file,) = LOGS.glob(f"{key}.*")
    whole = file.read_text()
    first = whole.splitlines()[0]
    jsonl = file.suffix == ".jsonl"
    for name in json.loads(first) if jsonl else first.split(","):
        if name in ("loop", "n", "n_tokens"):
            continue
        slip = name[0] + name[2:]
        quoted = (f'"{name}"', f'"{slip}"')
        text = whole.replace(*quoted) if jsonl else whole.replace(first, ",".join(
            slip if one == name else one for one in first.split(",")), 1)  # fmt: skip
        sentences = said_of(tmp_path / "x", key, file.name, text)
        assert slip in sentences or re.search(rf"(column|no) {name}\b", sentences), (
            name,
            slip,
            sentences,
        )


@pytest.mark.parametrize("word", ["selected", "chosen", "Accepted", "is_kept", "used", "rejected"])
def test_kept_is_known_by_other_words(word: str, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (LOGS / "generations.jsonl").read_text().splitlines()]
    kept = [row.pop("kept") for row in rows]
    for row, truth in zip(rows, kept, strict=True):
        row[word] = "yes" if truth != (word == "rejected") else "no"
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (log,) = read([tmp_path / "texts.jsonl"], ReadOptions())
    assert isinstance(log, RunLog)
    assert sorted(log.samples["kept"]) == sorted(map(float, kept))
    assert any(f"column {word} is read as" in warning for warning in log.warnings)


def test_a_column_of_texts_is_not_what_was_kept(tmp_path: Path) -> None:
    """chosen and rejected of preference data are texts; what a run calls so is no loop's."""
    rows = [json.loads(line) for line in (LOGS / "generations.jsonl").read_text().splitlines()]
    for row in rows:
        row["chosen"] = "a reply" if row.pop("kept") else "another"
    text = "".join(json.dumps(row) + "\n" for row in rows)
    sentences = said_of(tmp_path / "x", "generations", "texts.jsonl", text)
    assert "nothing is read from column chosen" in sentences and "call it kept" in sentences
    for row in rows:
        row["run_id"], row["selected"] = row.pop("loop"), 1
    (tmp_path / "run.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (log,) = read([tmp_path / "run.jsonl"], ReadOptions())
    assert isinstance(log, RunLog) and "kept" not in log.samples.columns


def embedded(folder: Path, change=lambda rows: rows) -> Path:
    """The loop's texts with embeddings of three numbers each, as JSON Lines."""
    rows = [json.loads(line) for line in (LOGS / "generations.jsonl").read_text().splitlines()]
    for place, row in enumerate(rows):
        row["embedding"] = [1.0 + place, 2.0, -1.0]
        row["embedding_model"] = "small"
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))
    return path


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "csv"])
def test_embeddings_come_in_at_length_1(kind: str, home: Path, tmp_path: Path) -> None:
    path = embedded(tmp_path)
    if kind != "jsonl":
        frame = pl.read_ndjson(path)
        path = tmp_path / f"texts.{kind}"
        if kind == "csv":
            texts = [json.dumps(one.to_list()) for one in frame["embedding"]]
            frame.with_columns(embedding=pl.Series(texts)).write_csv(path)
        else:
            frame.write_parquet(path)
    done = import_paths(home, [path], ReadOptions())
    (run,) = done.runs
    assert run["embeddings"] == 12 and "12 of 12 texts are kept" in " ".join(run["warnings"])
    embeddings = asked(home, "embeddings", loops=["replies"], iterations=[0])
    assert embeddings["model"].to_list() == ["small"] * 4
    first = embeddings.filter(text_id="t0-ref-0")["vector"][0]
    assert struct.unpack("<3f", base64.b64decode(first)) == pytest.approx(
        [1 / 6**0.5, 2 / 6**0.5, -1 / 6**0.5], abs=1e-6
    )
    assert import_paths(home, [path], ReadOptions()).runs[0]["embeddings"] == 0


def put(rows: list[dict], at: int, **cells: object) -> list[dict]:
    rows[at] |= cells
    return rows


@pytest.mark.parametrize(("change", "sentence", "many"), [
    (lambda rows: put(rows, 3, embedding=[1.0, 2.0]), "lists of 2 and 3 numbers", None),
    (lambda rows: put(rows, 3, embedding_model="large"), "embeddings of large; small", None),
    (lambda rows: put(rows, 3, embedding=[0.0, 0.0, 0.0]), "1 embeddings are left out", 11),
    (lambda rows: put(rows, 3, embedding=[None, 1.0, 1.0]), "1 embeddings are left out", 11),
    (lambda rows: put(rows, 3, embedding=None), "11 of 12 texts", 11),
    (lambda rows: [row | {"embedding": "none yet"} for row in rows], "no lists of numbers", None),
    (lambda rows: [row | {"embedding": [[1.0], [2.0]]} for row in rows], "12 embeddings are", None),
    (lambda rows: put(rows, 3, embedding="[1, 2,"), "1 embeddings are left out", 11),
    (lambda rows: put(rows, 3, embedding=[1e308, 1.0, "x"]), "1 embeddings are left out", 11),
    (lambda rows: [row | {"text_id": "same"} for row in rows], "3 of 12 texts", 3),
])  # fmt: skip
def test_embeddings_that_cannot_be_compared_are_told(
    change, sentence, many, tmp_path: Path
) -> None:
    (log,) = read([embedded(tmp_path, change)], ReadOptions())
    assert isinstance(log, RunLog) and log.samples.height == 12
    assert sentence in " ".join(log.warnings)
    embeddings = log.tables.get("embeddings")
    assert (None if embeddings is None else embeddings.height) == many


def test_of_many_texts_the_same_prompts_are_kept_each_time(tmp_path: Path) -> None:
    rows = [
        {"loop": "l", "iteration": at, "prompt": f"p{place}", "text": "t", "kept": True,
         "embedding": [float(place), 1.0]}
        for at in (0, 1) for place in (range(600) if at else reversed(range(600)))
    ]  # fmt: skip
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (log,) = read([tmp_path / "texts.jsonl"], ReadOptions())
    embeddings = log.tables["embeddings"]
    first, second = (set(embeddings.filter(iteration=at)["prompt"]) for at in (0, 1))
    assert first == second and len(first) == 400


def test_texts_of_which_no_row_can_be_read_are_refused_in_words(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (LOGS / "generations.jsonl").read_text().splitlines()]
    text = "".join(json.dumps(row | {"iteration": "first"}) + "\n" for row in rows)
    (tmp_path / "texts.jsonl").write_text(text)
    assert "no row of texts.jsonl could be read" in refused(tmp_path / "texts.jsonl")

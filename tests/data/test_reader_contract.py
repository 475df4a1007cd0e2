"""What every reader keeps to, over all of READERS: a new one is tested by being declared."""

import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from data.columns import METRIC_COLUMNS, ReadOptions, RunFacts, RunLog, Skip
from data.home import home as made_home
from data.incoming.importing import import_paths
from data.readers import read
from data.readers.kl.kl_table import ESTIMATORS, MISMATCH_PREFIX, PER_RESPONSE, PER_TOKEN
from data.readers.meaning.conversion import of_table
from data.readers.raw.reader import Belongs, Gives, Reader
from data.readers.runs.formats import (
    FORMAT_RANK,
    FORMATS,
    KNOWN,
    READERS,
    rank_of,
    reader_of,
    reader_of_named,
)
from data.readers.trainers.known import KL_TABLE, NOT_POLICY

ROOT = Path(__file__).resolve().parents[2]
CUTS = (0.15, 0.4, 0.66, 0.9, 0.997)
"""Where a log is cut off, as shares of its bytes."""

BROKE = re.compile(r"cannot be read \(\w+: ")
"""How the reason of a Skip reads where a reader raised what it should not have."""

A_KL = re.compile(r"(^|[^a-z])(kl|approxkl)([^a-z]|$)(?!(sd|se|std|n)$)", re.IGNORECASE)
"""Names of keys that look like a KL, and not like the spread or the number of several."""

every_reader = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)


def logs_of(reader: Reader) -> list[Path]:
    """The files of a reader's examples that it recognises."""
    found = []
    for example in reader.examples:
        path = ROOT / example
        assert path.exists(), f"{reader.name} names an example that is not there: {example}"
        own = [file for file in files_under(path) if reader.recognises(file)]
        assert own, f"{reader.name} does not recognise its example {example}"
        found += own
    assert found, f"{reader.name} has no example"
    return found


def files_under(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())


def copied(reader: Reader, folder: Path) -> list[Path]:
    """The examples under the same folders' names as in the repository, elsewhere."""
    for example in reader.examples:
        target = folder / example
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / example).is_dir() else shutil.copyfile
        copy(ROOT / example, target)
    return [folder / example for example in reader.examples]


def sorted_out(paths: list[Path], **options: object) -> tuple[list[RunLog], list[Skip]]:
    items = list(read(paths, ReadOptions(**options)))
    runs = [item for item in items if isinstance(item, RunLog)]
    return runs, [item for item in items if isinstance(item, Skip)]


@cache
def read_once(*examples: str) -> tuple[list[RunLog], list[Skip]]:
    """What examples hold, for tests that only look."""
    return sorted_out([ROOT / example for example in examples])


def given(run: RunLog) -> Iterator[Gives]:
    """What a run holds."""
    frames = {
        Gives.METRICS: run.metrics, Gives.RESPONSES: run.samples, Gives.ANSWERS: run.answers,
        Gives.CORPUS: run.corpus, Gives.AUDITS: run.audits, Gives.BEHAVIOURS: run.behaviours,
    }  # fmt: skip
    yield from (gives for gives, frame in frames.items() if frame.height)
    if run.tables:
        yield Gives.LOOP
    if run.facts.config:
        yield Gives.SETTINGS


@every_reader
def test_it_says_what_it_is(reader: Reader) -> None:
    assert reader.expects in KNOWN and reader.tells and reader.gives
    assert reader.format in FORMATS and set(reader.also) <= set(FORMATS)
    assert rank_of(reader.format) <= (reader.stored or reader.rank)
    assert [r.name for r in READERS].count(reader.name) == 1
    with pytest.raises(LookupError, match="no reader declares the format x"):
        rank_of("x")


@every_reader
def test_it_recognises_its_examples_and_no_other_does(reader: Reader) -> None:
    for file in logs_of(reader):
        assert reader_of(file) is reader, file
        assert reader_of_named(file, None) is reader
        assert reader_of_named(file, reader.format) is reader
        plain = Belongs.TABLE  # takes what is of no other reader
        others = [r for r in READERS if r is not reader and r.recognises(file)]
        assert all(r.belongs(file).belongs is plain for r in others), file


@every_reader
def test_it_gives_what_it_declares(reader: Reader) -> None:
    runs, skipped = read_once(*reader.examples)
    assert skipped == []
    assert {gives for run in runs for gives in given(run)} == set(reader.gives)
    for run in runs:
        assert run.format in FORMAT_RANK, "a run of a format without a rank"
        assert run.facts.sources, "a run without a source"
        assert all(str(source["path"]) for source in run.facts.sources)


@every_reader
def test_reading_twice_gives_the_same(reader: Reader) -> None:
    paths = [ROOT / example for example in reader.examples]
    for one, again in zip(read_once(*reader.examples)[0], sorted_out(paths)[0], strict=True):
        assert one.facts.to_dict() == again.facts.to_dict()
        for name in ("metrics", "samples", "answers", "corpus", "audits"):
            assert getattr(one, name).equals(getattr(again, name)), name
        assert one.tables.keys() == again.tables.keys()
        assert all(rows.equals(again.tables[name]) for name, rows in one.tables.items())


@every_reader
def test_importing_it_again_adds_nothing(reader: Reader, home: Path) -> None:
    paths = [ROOT / example for example in reader.examples]
    first = import_paths(made_home(), paths, ReadOptions())
    again = import_paths(made_home(), paths, ReadOptions())
    assert first.runs and [run["run"] for run in again.runs] == [run["run"] for run in first.runs]
    for run in again.runs:
        counts = [run[key] for key in ("points", "gold_evaluations", "samples", "answers")]
        assert counts == [0, 0, 0, 0], run


@every_reader
def test_an_empty_file_gets_a_sentence(reader: Reader, tmp_path: Path) -> None:
    copied(reader, tmp_path)
    for file in {reader.belongs(tmp_path / p.relative_to(ROOT)).log for p in logs_of(reader)}:
        if file.is_dir():
            continue  # one of the many files of a log: what it held is missing, see below
        whole = file.read_bytes()
        file.write_bytes(b"")
        runs, skipped = sorted_out([file])
        assert runs == [] and len(skipped) == 1, file
        assert file.name in skipped[0].reason and len(skipped[0].reason) < 1200
        assert not BROKE.search(skipped[0].reason), skipped[0].reason
        file.write_bytes(whole)


@pytest.mark.parametrize("parts", [1, pytest.param(3, marks=pytest.mark.long)])
@every_reader
def test_a_log_cut_off_gives_a_sentence_or_whole_records(
    reader: Reader, tmp_path: Path, parts: int
) -> None:
    """Of the three largest files; ``parts``: how many of them where a log is of many files."""
    copied(reader, tmp_path)
    largest = sorted(logs_of(reader), key=lambda file: -file.stat().st_size)[:3]
    for at, file in enumerate(tmp_path / path.relative_to(ROOT) for path in largest):
        alone = reader.belongs(file).belongs in (Belongs.OWN, Belongs.TABLE)
        if not alone and at >= parts:
            continue
        paths = [file] if alone else [tmp_path]
        full = rows_by_run(sorted_out(paths)[0])
        whole = file.read_bytes()
        for cut in CUTS:
            file.write_bytes(whole[: int(len(whole) * cut)])
            runs, skipped = sorted_out(paths)
            for skip in skipped:
                assert skip.reason and not BROKE.search(skip.reason), skip
            for run, rows in rows_by_run(runs).items():
                assert_whole(rows, full.get(run, {}), f"{file.name} cut at {cut}: {run}")
        file.write_bytes(whole)


KEYS = {
    "metrics": ["phase", "step"],
    "samples": ["phase", "step", "prompt_id", "sample_id"],
    "answers": ["iteration", "origin", "question_id", "sample_id"],
}
ROLES = re.compile(r"kl|kl_logged|(proxy|gold)_reward(_sd|_se)?|n_responses|phase")
"""Columns that are chosen over the whole log, so that a part of it may choose otherwise."""

Rows = dict[tuple[object, ...], dict[str, object]]


def rows_by_run(runs: list[RunLog]) -> dict[tuple[str, str], Rows]:
    """Rows of metrics, responses and answers by run and key."""
    found: dict[tuple[str, str], Rows] = {}
    for run in runs:
        for name, keys in KEYS.items():
            frame: pl.DataFrame = getattr(run, name)
            rows = found.setdefault((run.run, name), {})
            for row in frame.iter_rows(named=True):
                rows[tuple(row[key] for key in keys)] = row
    return found


def assert_whole(part: Rows, full: Rows, where: str) -> None:
    """Each row of a part is a row of the whole, and so is each of its numbers."""
    for key, row in part.items():
        assert key in full, f"{where}: {key} is in no whole record"
        for column, value in row.items():
            if value is None or ROLES.fullmatch(column) or column not in full[key]:
                continue
            assert full[key][column] == value, f"{where}: {column} of {key}"


@every_reader
def test_every_kl_is_declared(reader: Reader) -> None:
    for run in read_once(*reader.examples)[0]:
        keys = {c for c in run.metrics.columns if c not in METRIC_COLUMNS and c != "kl_logged"}
        keys |= {run.facts.kl_key} - {None}
        for key in keys:
            if A_KL.search(key):
                assert is_declared(key, run.facts.dialect), f"{run.run}: {key} is nowhere declared"
        if run.facts.kl_key is not None and run.facts.kl_conversion != "unknown":
            assert run.facts.kl_logged_unit in (PER_TOKEN, PER_RESPONSE)
            assert run.facts.kl_reference == "initial_policy"
            assert run.facts.kl_estimator in (None, *ESTIMATORS)


def is_declared(key: str, dialect: str | None) -> bool:
    """Whether a key's unit, estimator and reference are known, or it is refused by name."""
    if dialect is None:  # a plain table: "kl" is ours by contract, others are of unknown unit
        facts = RunFacts()
        of_table([key], ReadOptions(kl=key), facts)
        return key == "kl" or facts.kl_conversion in ("unknown", "missing")
    used = any((entry.dialect, entry.key) == (dialect, key) for entry in KL_TABLE)
    refused = any(e.key == key and e.dialect in (None, dialect) for e in NOT_POLICY)
    return used or refused or key.startswith(MISMATCH_PREFIX)


def test_every_log_in_the_repository_is_of_one_reader() -> None:
    for folder in ("tests/data/logs", "data/examples"):
        for file in files_under(ROOT / folder):
            own = [r for r in READERS if r.recognises(file)]
            special = [r.name for r in own if r.belongs(file).belongs is not Belongs.TABLE]
            assert len(special) <= 1, file


def test_the_contract_fails_where_it_should() -> None:
    """The contract's own checks fail where they should."""
    with pytest.raises(AssertionError, match="is not there"):
        logs_of(READERS[0].__class__(**{**vars(READERS[0]), "examples": ("tests/nowhere",)}))
    with pytest.raises(AssertionError, match="has no example"):
        logs_of(READERS[0].__class__(**{**vars(READERS[0]), "examples": ()}))
    assert not is_declared("train/some_kl", "grpo")
    key = ("train", 1)
    with pytest.raises(AssertionError, match="loss of"):
        assert_whole({key: {"loss": 1.0}}, {key: {"loss": 1.5}}, "here")
    with pytest.raises(AssertionError, match="in no whole record"):
        assert_whole({key: {"loss": 1.0}}, {}, "here")

"""MLflow's stores, read without mlflow: its SQLite database, and the folders of ``mlruns``."""

from __future__ import annotations

import itertools
import math
import re
import sqlite3
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from data.columns import LogError
from data.readers.raw import sqlite
from data.readers.raw.reader import Belongs, Frame, Gives, NotALog, Piece, Place, Reader, store
from data.readers.raw.scalar_columns import Row
from data.readers.raw.scalars import CLOCK_KEYS, Scalars, as_number, as_step, split_key
from data.readers.raw.texts import load_json, load_literal, plain_yaml
from data.readers.trackers.tracked import NOT_METRICS, logged_table, set_config

FORMAT = "mlflow"
DATABASES = ("mlflow.db", "mlruns.db")
NOT_OURS = (*NOT_METRICS, "system/")
EVALUATED = frozenset({"eval_runtime", "eval_samples_per_second", "eval_loss"})
"""Keys by which the Hugging Face trainer shows that its ``eval_`` keys are of evaluations."""

MAX_BYTES = 256 << 20  # of one metric's file
MAX_LITERAL = 2000  # characters of a parameter that is parsed
MAX_PARAMS = 5000
TABLES_TAG = "mlflow.loggedArtifacts"
HUGE = 1.7e308  # MLflow's databases hold infinity as the largest double
_AT = re.compile(r"_at_(?=\d)")

Point = tuple[int, int, str, float]  # time of the log call, step, key, value


def recognises(path: Path) -> bool:
    """Whether a file is, by its name and folder, a part of an MLflow store."""
    return path.name in DATABASES or run_of(path) is not None


def is_run(folder: Path) -> bool:
    """Whether a folder is one run of a file store."""
    return (folder / "meta.yaml").is_file() and (folder / "metrics").is_dir()


def run_of(path: Path) -> Path | None:
    """The run's folder to which a file of a file store belongs; None for any other file."""
    if path.name == "meta.yaml":
        return path.parent if is_run(path.parent) else None
    if "metrics" not in path.parts:
        return None
    above = (folder for folder in path.parents if folder.name == "metrics")
    return next((folder.parent for folder in above if is_run(folder.parent)), None)


def store_of(path: Path) -> Path | None:
    """The folder that holds a file store, above ``mlruns``; None for files of no file store."""
    run = run_of(path)
    if run is None:
        return None
    root = run.parent.parent
    return root.parent if root.name == "mlruns" else root


def holds(connection: sqlite3.Connection) -> bool:
    """Whether an open database is one of MLflow."""
    tables = sqlite.tables(connection)
    return {"key", "value", "timestamp", "step", "run_uuid"} <= set(tables.get("metrics", []))


def runs(path: Path) -> list[Piece]:
    """The runs of a database, or the one run of a run's folder; deleted runs are left out.

    Raises:
        LogError: the store cannot be opened, or is damaged.
        NotALog: it is a database of something else.
    """
    if path.is_dir():
        return [run] if (run := _folder_run(path)) else []
    with sqlite.opened(path) as connection:
        columns = sqlite.tables(connection).get("runs", [])
        if not holds(connection):
            raise NotALog(sqlite.of_no_tracker(path))
        if not {"run_uuid", "name", "start_time"} <= set(columns):
            raise LogError(f"{path.name} has no tables runs and metrics of MLflow")
        there = "" if "lifecycle_stage" not in columns else "where lifecycle_stage != 'deleted'"
        query = f"select run_uuid, name, start_time, experiment_id from runs {there} order by 3, 1"
        found = list(sqlite.rows(connection, query))
        experiments: dict[object, str] = {}
        if {"experiment_id", "name"} <= set(sqlite.tables(connection).get("experiments", [])):
            rows = sqlite.rows(connection, "select experiment_id, name from experiments")
            experiments = {number: str(name) for number, name in rows}
        tags: dict[object, object] = {}
        if {"key", "value", "run_uuid"} <= set(sqlite.tables(connection).get("tags", [])):
            query = "select run_uuid, value from tags where key = ?"
            tags |= ((run, tag) for run, tag in sqlite.rows(connection, query, (TABLES_TAG,)))
    artifacts = path.parent / "mlruns"
    return [
        Piece(
            kind=FORMAT,
            path=path,
            name=str(name or run_uuid),
            project=experiments.get(experiment) or path.stem,
            started=float(start) if isinstance(start, int) else 0.0,
            scalars=partial(_read_database, path, run_uuid),
            tables=partial(
                _tables,
                artifacts / str(experiment) / str(run_uuid) / "artifacts",
                tags.get(run_uuid),
            ),
        )
        for run_uuid, name, start, experiment in found
    ]


def _read_database(path: Path, run: object) -> Scalars:
    with sqlite.opened(path) as connection:
        query = (
            "select timestamp, step, key, value, is_nan from metrics where run_uuid = ? "
            "order by timestamp, step"
        )
        scalars = _scalars(path, _points(sqlite.rows(connection, query, (run,))))
        if {"key", "value", "run_uuid"} <= set(sqlite.tables(connection).get("params", [])):
            query = f"select key, value from params where run_uuid = ? limit {MAX_PARAMS}"
            rows = sqlite.rows(connection, query, (run,))
            set_config(scalars, {str(key): literal(value) for key, value in rows})
    return scalars


def _points(rows: Iterable[tuple[object, ...]]) -> Iterator[Point | None]:
    for timestamp, step, key, value, is_nan in rows:
        at, number = as_step(step), as_number(value)
        if at is None or number is None or not isinstance(timestamp, int):
            yield None
            continue
        if is_nan:
            number = math.nan
        elif abs(number) > HUGE:
            number = math.copysign(math.inf, number)
        yield timestamp, at, str(key), number


def _folder_run(folder: Path) -> Piece | None:
    meta = plain_yaml(_text(folder / "meta.yaml"))
    if not {"run_id", "run_uuid"} & meta.keys():  # whether it was deleted stands above that
        raise LogError(f"meta.yaml of MLflow's run {folder.name} breaks off: it has no run_id")
    if meta.get("lifecycle_stage") == "deleted":
        return None
    experiment = plain_yaml(_text(folder.parent / "meta.yaml"))
    name = meta.get("run_name") or _text(folder / "tags" / "mlflow.runName") or folder.name
    started = meta.get("start_time", "")
    return Piece(
        kind=FORMAT,
        path=folder,
        name=name,
        project=experiment.get("name") or folder.parent.name,
        started=float(started) if started.isdigit() and len(started) < 20 else 0.0,
        scalars=partial(_read_folder, folder),
        tables=partial(_tables, folder / "artifacts", _text(folder / "tags" / TABLES_TAG)),
    )


def logged_tables(tag: object) -> list[str]:
    """The paths of the tables that a run logged with ``mlflow.log_table``, by its tag."""
    try:
        tables = load_json(tag, TABLES_TAG) if isinstance(tag, str) and tag else []
    except LogError:
        return []
    paths = [one.get("path") for one in tables if isinstance(one, dict)] if tables else []
    return [
        path for path in paths
        if isinstance(path, str) and path.endswith(".json") and ".." not in Path(path).parts
        and not Path(path).is_absolute()
    ]  # fmt: skip


def _tables(artifacts: Path, tag: object, problems: list[str]) -> Iterator[Frame]:
    """The tables of responses among a run's artifacts; elsewhere they may lie out of reach."""
    for path in logged_tables(tag):
        if (artifacts / path).exists():
            yield from logged_table(artifacts / path, path, problems)


def _read_folder(folder: Path) -> Scalars:
    points: list[Point | None] = []
    notes: list[str] = []
    metrics = folder / "metrics"
    for file in sorted(p for p in metrics.rglob("*") if p.is_file()):
        key = file.relative_to(metrics).as_posix()
        if key.startswith(NOT_OURS):
            continue
        try:
            if file.stat().st_size > MAX_BYTES:
                notes.append(f"{key}: larger than the {MAX_BYTES >> 20} MiB that are read")
                continue
            lines = file.read_text("utf-8", "replace").splitlines()
        except OSError as error:
            notes.append(f"{key} cannot be opened ({error.strerror or error})")
            continue
        points += [_line(line, key) for line in lines if line.strip()]
    points.sort(key=lambda point: point[:2] if point else (0, 0))
    scalars = _scalars(folder, iter(points))
    scalars.notes += notes
    params = folder / "params"
    if params.is_dir():
        files = itertools.islice(sorted(p for p in params.rglob("*") if p.is_file()), MAX_PARAMS)
        set_config(scalars, {p.relative_to(params).as_posix(): literal(_text(p)) for p in files})
    return scalars


def _line(line: str, key: str) -> Point | None:
    """One line of a metric's file: ``timestamp value step`` (and more in later versions)."""
    parts = line.split()
    if len(parts) < 3 or not parts[0].isdigit() or not parts[2].isdigit():
        return None
    if len(parts[0]) > 18 or len(parts[2]) > 18 or len(parts[1]) > 400:
        return None
    try:
        return int(parts[0]), int(parts[2]), key, float(parts[1])
    except ValueError:
        return None


def _scalars(path: Path, points: Iterator[Point | None]) -> Scalars:
    """Points in the order of their log calls as rows: one call's keys belong together."""
    scalars = Scalars(path=str(path), format=FORMAT)
    calls: list[tuple[int, Row]] = []
    keys: set[str] = set()
    broken = 0
    call: tuple[int, int] | None = None
    for point in points:
        if point is None:
            broken += 1
            continue
        timestamp, step, key, value = point
        if key.startswith(NOT_OURS):
            continue
        if call != (timestamp, step):
            call = (timestamp, step)
            calls.append((step, {}))
        keys.add(key)
        calls[-1][1][key] = value
    if len(calls) > 2 and len({step for step, _ in calls}) == 1 and len(keys) < len(calls):
        scalars.notes.append(
            f"{path.name}: every point is of step {calls[0][0]}: the log calls are numbered from 0 "
            "in the order of their time instead"
        )
        calls = [(number, row) for number, (_, row) in enumerate(calls)]
    else:
        calls = _measured_again(calls)
    evaluated = bool(keys & EVALUATED)
    names = {key: _phase_and_key(key, evaluated) for key in keys}
    for step, row in calls:
        phases: dict[str, Row] = {}
        for key, value in row.items():
            phase, name = names[key]
            phases.setdefault(phase, {})[name] = value
        for phase, part in phases.items():
            scalars.put(phase, step, part, whole=True)
    if broken:
        scalars.notes.append(f"{path.name}: {broken} points could not be read and were left out")
    scalars.function_order = scalars.keys()
    return scalars


def _measured_again(calls: list[tuple[int, Row]]) -> list[tuple[int, Row]]:
    """Log calls with one metric's later value of an earlier step put in its place.

    A restart is one of the run: it logs again what else stands at that step. A single metric's
    value, as of a checkpoint that is evaluated again, begins no attempt.
    """
    kept: list[tuple[int, Row]] = []
    by_time: dict[int, dict[str, Row]] = {}  # of each step and metric the call that logged it
    newest = -1
    for step, group in itertools.groupby(calls, lambda call: call[0]):
        rows = [row for _, row in group]
        names = {key for row in rows for key in row} - CLOCK_KEYS
        before = by_time.get(step, {})
        if step < newest and names & before.keys():
            if len(names) == 1 and len(before.keys() - CLOCK_KEYS) > 1:
                for key, value in (pair for row in rows for pair in row.items()):
                    if key in names:
                        before[key][key] = value
                continue
            by_time = {at: keys for at, keys in by_time.items() if at < step}
            newest = step
        newest = max(newest, step)
        by_time.setdefault(step, {}).update({key: row for row in rows for key in row})
        kept += [(step, row) for row in rows]
    return kept


def _phase_and_key(key: str, evaluated: bool) -> tuple[str, str]:
    """Phase and bare key; verl's ``@`` is put back, which MLflow does not allow in names."""
    if evaluated and key.startswith("eval_"):
        return "eval", key.removeprefix("eval_")
    phase, name = split_key(key)
    return phase, _AT.sub("@", name) if name.startswith("val-") else name


def literal(value: object) -> object:
    """A parameter's text as the number, truth value or list that it prints; else the text.

    >>> literal("[1.0, 0.0]"), literal("True"), literal("token-mean")
    ([1.0, 0.0], True, 'token-mean')
    """
    if not isinstance(value, str) or len(value) > MAX_LITERAL:
        return value
    try:
        found = load_literal(value)
    except ValueError:
        return value
    return found if isinstance(found, (bool, int, float, str, list)) else value


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return ""


def _belongs(path: Path) -> Place:
    """The many files of one run of a file store are one log."""
    return Place(Belongs.STORE, store_of(path) or path.parent, run_of(path) or path)


READER = Reader(
    name=FORMAT,
    expects="MLflow stores (mlflow.db, mlruns.db, mlruns/<experiment>/<run>/meta.yaml)",
    rank=3,
    gives=(Gives.METRICS, Gives.SETTINGS, Gives.RESPONSES),
    recognises=recognises,
    takes=lambda path: path.suffix == ".db",
    read=store(runs),
    belongs=_belongs,
    passes_by=lambda folder: folder.name == "artifacts" and is_run(folder.parent),
    examples=(
        "tests/data/logs/mlflow",
        "tests/data/logs/mlflow_table",
        "tests/data/logs/verl/mlruns.db",
    ),
    tells="metrics, parameters, tables of responses",
)

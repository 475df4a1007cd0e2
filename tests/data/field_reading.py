"""An input through the real import into a store of its own, and what is wrong with what came in."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

import analytics.__main__
import data.__main__
from tests.data.field_values import FIELD, Gold, Input, Kl, Loop, Run, Values, Verdict

OF_VALUE, ABSOLUTE = 2e-3, 2e-4
"""Float16 columns and a KL of four digits are the coarsest that the inputs hold."""


@dataclass
class Stored:
    """One run as it stands in the store: rows (step, kl, proxy, gold) by phase, and its facts."""

    name: str
    facts: dict[str, Any]
    warnings: list[str]
    rows: dict[str, list[tuple[int, float | None, float | None, float | None]]]
    measured: dict[int, float]  # gold evaluations apart from the log
    samples: int

    @property
    def label(self) -> str:
        """How the KL is called."""
        return str(self.facts.get("kl_conversion"))

    @property
    def kl(self) -> Values:
        """KL by training row."""
        return tuple(row[1] for row in self.rows.get("train", []))

    @property
    def gold(self) -> dict[int, float]:
        """Gold by step: of the training rows, else the evaluation's, else measured apart."""
        for phase in ("train", "eval"):
            found = {row[0]: row[3] for row in self.rows.get(phase, []) if row[3] is not None}
            if found:
                return found
        return self.measured


@dataclass
class Read:
    """What an import left behind."""

    exit: int
    runs: list[Stored] = field(default_factory=list)
    loops: dict[str, dict[int, tuple[int, int, int]]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)


def command(module: Any, *words: object) -> tuple[int, Any, str]:
    """Exit code, the JSON document (None where there is none), and what went to standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = module.main([str(word) for word in words])
        except SystemExit as left:
            status = int(left.code or 0)
    try:
        return status, json.loads(out.getvalue()), err.getvalue()
    except json.JSONDecodeError:
        return status, None, out.getvalue() + err.getvalue()


def read(given: Input, folder: Path) -> Read:
    """Import an input as it is into a new store below ``folder``, as the command line does."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [path for pattern in given.paths for path in sorted(FIELD.glob(pattern))]
    if given.make is not None:
        place = folder / "input"
        place.mkdir()
        paths = [*given.make(place)]
    assert paths, f"{given.name}: no such input"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(folder / "home"))
        done = imported(paths, given.options)
        if given.renames is not None:
            old, new = (folder / "input" / name for name in given.renames)
            old.rename(new)
            paths = [new if path == old else path for path in paths]
        if given.then is not None:
            first, done = done, imported(paths, given.then)
            done.remarks += first.remarks
        stored(folder / "home", done)
        if given.verdict is not None:
            _, verdicts, _ = command(analytics.__main__, "verdict", "--json")
            done.verdicts = verdicts if isinstance(verdicts, list) else []
    return done


def imported(paths: Sequence[Path], options: Sequence[str]) -> Read:
    """``import --json`` of the paths."""
    status, answer, error = command(data.__main__, "import", *paths, "--json", *options)
    done = Read(status)
    if not isinstance(answer, dict) or "runs" not in answer:
        done.remarks.append(error if answer is None else str(answer))
        return done
    for run in answer["runs"]:
        done.remarks += run["warnings"]
    done.skipped = [f"{Path(skip['path']).name}: {skip['reason']}" for skip in answer["skipped"]]
    done.remarks += done.skipped
    return done


@cache
def database() -> duckdb.DuckDBPyConnection:
    """One for all inputs: each takes as long to start as it takes to read a store."""
    return duckdb.connect()


@contextlib.contextmanager
def opened(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A store's file, only to be read."""
    with database().cursor() as base:
        base.execute(f"attach '{file}' as held (read_only)")
        try:
            base.execute("use held")
            yield base
        finally:
            base.execute("use memory")
            base.execute("detach held")


def stored(home: Path, done: Read) -> None:
    """Add the runs and loops that the store holds, looked up in its file."""
    file = home / "store.duckdb"
    if not file.exists():
        return
    with opened(file) as base:
        loops = base.execute(
            "select loop, iteration, count(*) filter (grade = 'correct'), "
            "count(*) filter (grade = 'incorrect'), count(*) filter (grade = 'not_attempted') "
            "from answers group by all order by all"
        ).fetchall()
        for loop, iteration, *grades in loops:
            done.loops.setdefault(loop, {})[iteration] = tuple(grades)
        runs = base.execute("select run_id, facts, warnings from runs order by ordinal").fetchall()
        for name, facts, warnings in runs:
            run = Stored(name, json.loads(facts), json.loads(warnings), {}, {}, 0)
            for phase, *row in base.execute(
                "select phase, step, kl, proxy_reward, gold_reward from metrics "
                "where run_id = $run order by phase, step", {"run": name},
            ).fetchall():  # fmt: skip
                run.rows.setdefault(phase, []).append(tuple(row))
            run.measured = dict(base.execute(
                "select step, gold_reward from gold_evaluations "
                "where run_id = $run and gold_reward is not null", {"run": name},
            ).fetchall())  # fmt: skip
            counted = base.execute(
                "select count(*) from samples where run_id = $run", {"run": name}
            ).fetchone()
            run.samples = counted[0] if counted else 0
            done.remarks += [*run.warnings, str(run.facts.get("kl_note") or "")]
            if run.rows or run.samples or run.measured:
                done.runs.append(run)


def faults(given: Input, done: Read) -> list[str]:
    """What is wrong, one sentence each; an empty list is right."""
    if given.refused or (given.or_refused and done.exit == 1 and not done.runs):
        wrong = [f"run {run.name} came in" for run in done.runs]
        wrong += [f"loop {loop} came in" for loop in done.loops]
        if done.exit != 1:
            wrong.append(f"exit {done.exit} instead of 1")
        return [*wrong, *spoken(given, done)]
    wrong = []
    if done.exit != (given.exit or 0):
        wrong.append(f"exit {done.exit} instead of {given.exit or 0} ({'; '.join(done.skipped)})")
    for run, right in pairs(given, done.runs, wrong):
        wrong += [f"{run.name}: {fault}" for fault in run_faults(run, right)]
    wrong += loop_faults(given.loops, done.loops)
    if given.verdict is not None:
        names = {run.name for run in done.runs}
        for verdict in done.verdicts:
            if verdict["run"] in names:
                wrong += verdict_faults(given.verdict, verdict)
        if len(done.verdicts) < len(given.runs):
            wrong.append(f"{len(done.verdicts)} verdicts")
    return [*wrong, *spoken(given, done)]


def found(pattern: str, sentences: Sequence[str]) -> list[str]:
    """The sentences that match, without regard to case."""
    return [one for one in sentences if re.search(pattern, one, re.I | re.S)]


def spoken(given: Input, done: Read) -> list[str]:
    """Sentences that are lacking, and those that should not be there."""
    lacking = [pattern for pattern in given.says if not found(pattern, done.remarks)]
    wrong = [one for pattern in given.never for one in dict.fromkeys(found(pattern, done.remarks))]
    return [*(f"nothing said like /{p}/" for p in lacking), *(f"said: {s[:200]}" for s in wrong)]


def pairs(given: Input, there: Sequence[Stored], wrong: list[str]) -> Iterator[tuple[Stored, Run]]:
    """Runs beside those that should be there, by name where the name matters."""
    right = given.runs
    named = {run.name: run for run in there}
    if len(right) != len(there) and not (given.more_runs and len(right) < len(there)):
        wrong.append(f"{len(there)} runs ({', '.join(named)}) instead of {len(right)}")
    left = list(there)
    for run in right:
        if run.name is None:
            mate = left[0] if left else None
        else:
            mate = named.get(run.name)
            if mate is None and len(right) == len(there) == 1:
                wrong.append(f"the run is named {there[0].name!r}, not {run.name!r}")
                mate = there[0]
            elif mate is None:
                wrong.append(f"no run {run.name!r} among {', '.join(named)}")
        if mate is not None and mate in left:
            left.remove(mate)
            yield mate, run


def run_faults(run: Stored, right: Run) -> Iterator[str]:
    """What is wrong with one run."""
    train = run.rows.get("train", [])
    if right.height is not None and len(train) != right.height:
        yield f"{len(train)} training rows instead of {right.height}"
    if right.steps is not None:
        steps = tuple(row[0] for row in train)
        if steps != right.steps:
            yield f"steps {brief(steps)} instead of {brief(right.steps)}"
    if right.kls and not any(is_right_kl(run, kl) for kl in right.kls):
        wanted = " or ".join(
            f"{brief(kl.values)} {'/'.join(sorted(kl.labels))}" for kl in right.kls
        )
        yield f"KL {brief(run.kl)} {run.label} instead of {wanted}"
    if right.references and run.facts.get("kl_reference") not in right.references:
        yield f"KL against {run.facts.get('kl_reference')}"
    if right.proxy is not None:
        proxy = tuple(row[2] for row in train)
        if not close(proxy, right.proxy):
            at = parting(proxy, right.proxy)
            yield f"proxy {brief(proxy)} instead of {brief(right.proxy)}{at}"
    if right.proxy_keys and run.facts.get("proxy_key") not in right.proxy_keys:
        yield f"proxy is {run.facts.get('proxy_key')}"
    yield from gold_faults(run, right)
    if right.evaluation is not None:
        by_step = {row[0]: (row[2], row[3]) for row in run.rows.get("eval", [])}
        if by_step.keys() != right.evaluation.keys():
            yield f"evaluation rows at {sorted(by_step)} instead of {sorted(right.evaluation)}"
        elif not all(close(by_step[step], pair) for step, pair in right.evaluation.items()):
            yield f"evaluation rows {by_step}"
    if run.samples != right.samples:
        yield f"{run.samples} responses instead of {right.samples}"


def gold_faults(run: Stored, right: Run) -> Iterator[str]:
    """Whether the run's gold is one of those that are right."""
    gold: Gold = run.gold
    if right.steps is None and right.golds and right.golds[0]:
        gold = dict(enumerate(gold.values()))
    if not right.golds or any(same(gold, wanted) for wanted in right.golds):
        return
    yield f"gold {brief(gold)} instead of {' or '.join(brief(wanted) for wanted in right.golds)}"


def same(gold: Gold, right: Gold) -> bool:
    """Whether gold stands at the same steps with the same values."""
    return gold.keys() == right.keys() and all(
        close((gold[step],), (value,)) for step, value in right.items()
    )


def is_right_kl(run: Stored, kl: Kl) -> bool:
    """Whether label and values of a run's KL are these."""
    if run.label not in kl.labels:
        return False
    return kl.values is None or close(run.kl, kl.values or (None,) * len(run.kl))


def close(values: Sequence[float | None], right: Sequence[float | None]) -> bool:
    """Whether the values are the same up to how they were written, and lack where they lack."""
    return len(values) == len(right) and all(
        (a is None) == (b is None)
        and (a is None or b is None or math.isclose(a, b, rel_tol=OF_VALUE, abs_tol=ABSOLUTE))
        for a, b in zip(values, right, strict=True)
    )


def parting(values: Sequence[float | None], right: Sequence[float | None]) -> str:
    """Where two columns of one length part first."""
    if len(values) != len(right):
        return ""
    at = next(i for i in range(len(right)) if not close(values[i : i + 1], right[i : i + 1]))
    return f" (row {at}: {values[at]} instead of {right[at]})"


def brief(values: Sequence[float | None] | Gold | None) -> str:
    """A few words for a column."""
    if values is None:
        return "as it may be"
    if isinstance(values, Mapping):
        ends = f" at {min(values)}..{max(values)}" if values else ""
        return brief(tuple(values.values())) + ends
    there = [x for x in values if x is not None]
    if not there:
        return "none"
    return f"{len(there)}: {there[0]:.6g}..{there[-1]:.6g}"


def loop_faults(
    right: Sequence[Loop], there: Mapping[str, Mapping[int, tuple[int, int, int]]]
) -> Iterator[str]:
    """What is wrong with the answers."""
    if len(right) != len(there):
        yield f"{len(there)} loops ({', '.join(there)}) instead of {len(right)}"
    for wanted, name in zip(right, there, strict=False):
        rows = there.get(wanted.name or name, {})
        if wanted.name is not None and wanted.name not in there:
            yield f"no loop {wanted.name!r} among {', '.join(there)}"
        elif dict(rows) != dict(wanted.grades):
            yield f"grades of {wanted.name or name} {dict(rows)} instead of {dict(wanted.grades)}"


def verdict_faults(right: Verdict, verdict: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a verdict."""
    run, peak = verdict["run"], verdict.get("peak") or {}
    low, high = peak.get("kl_low"), peak.get("kl_high")
    if right.statuses and verdict["status"] not in right.statuses:
        yield f"{run}: the verdict is {verdict['status']}"
    if right.axis is not None and verdict["axis"] != right.axis:
        yield f"{run}: the verdict's axis is {verdict['axis']}"
    if right.holds_peak is not None and verdict["status"] != "too_little_gold":
        inside = low is not None and low <= right.holds_peak <= (math.inf if high is None else high)
        if verdict["axis"] == "kl" and not inside:
            yield f"{run}: the peak's interval {low} to {high} does not hold {right.holds_peak}"
    if right.peak_step is not None:
        step = peak.get("step")
        if step is None or not right.peak_step[0] <= step <= right.peak_step[1]:
            yield f"{run}: the peak is at step {step}"
    if right.says is not None and not found(right.says, verdict["reasons"]):
        yield f"{run}: no reason like /{right.says}/"
    if right.never is not None:
        yield from found(right.never, verdict["reasons"])


def exact_and_wrong(given: Input, done: Read) -> list[str]:
    """Runs whose KL is called exact and is none of the exact ones of this input."""
    right = [kl for run in given.runs for kl in run.kls if "exact" in kl.labels]
    return [
        f"{given.name}: {run.name} {brief(run.kl)}"
        for run in done.runs
        if run.label == "exact" and any(x is not None for x in run.kl)
        if not any(is_right_kl(run, kl) for kl in right)
    ]

"""Made inputs of all kinds in further spellings, encodings, nestings and words."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.data.field_made_units import TOKEN, N, one
from tests.data.field_values import APPROXIMATE, EXACT, NO_KL, UNKNOWN, Input, Kl, Run
from tests.data.field_writing import (
    Make,
    as_json,
    chart,
    comma,
    json_lines,
    made,
    own,
    quoted,
    raw,
    rows_of,
    sibling,
    table_text,
    text,
    trl,
)

ONE, TWO = made(), sibling()
OURS, DUMP = own(ONE), trl(ONE)
RIGHT = ONE.run()
CONVERTED = ONE.run(None, APPROXIMATE)
THIRD = ONE.run(golds=(ONE.golds(3),))


def with_gold(word: str) -> dict[str, Sequence[object]]:
    """Our contract, two golds of three missing and said so by a word."""
    return {**OURS, "gold_reward": [x if i % 3 == 0 else word for i, x in enumerate(ONE.gold)]}


def stepping(named: str) -> dict[str, Sequence[object]]:
    """Our contract, the steps as text."""
    return {**OURS, "step": [named.format(step) for step in ONE.steps]}


def as_text(columns: Mapping[str, Sequence[object]], old: str, new: str) -> dict[str, list[str]]:
    """Cells as text, a sign in them replaced."""
    return {key: [str(x).replace(old, new) for x in cells] for key, cells in columns.items()}


NUMBERS = "11 numbers"
WRITTEN: tuple[Input, ...] = (
    *(one(f"made/gold missing as {word}", NUMBERS, comma("a.csv", with_gold(word)), THIRD)
      for word in ("#N/A", "\u2014", "missing")),
    *(one(f"made/steps as {named.format(10)}", "9 steps", comma("a.csv", stepping(named)), RIGHT)
      for named in ("step {}", "checkpoint-{}", "out/global_step_{}", "{}.0", "{} / 240")),
    one("made/a typeset minus", NUMBERS, comma("a.csv", as_text(OURS, "-", "\u2212")), RIGHT),
    one("made/exponents with decimal commas", NUMBERS, text("a.csv", table_text({
        key: [f"{x:e}".replace(".", ",") if isinstance(x, float) else x for x in cells]
        for key, cells in OURS.items()
    }, ";")), RIGHT),
    one("made/a title above", NUMBERS, text("a.csv", "Export of run 7\n" + table_text(OURS)),
        RIGHT),
    one("made/a title in cells above", NUMBERS, text("a.csv", "Run 7,,,\n" + table_text(OURS)),
        RIGHT),
    one("made/utf-16 in a .txt", NUMBERS, text("a.txt", table_text(OURS, "\t"), "utf-16"), RIGHT),
    one("made/utf-16 lines", NUMBERS, text("a.jsonl", "".join(
        json.dumps(row) + "\n" for row in rows_of(OURS)
    ), "utf-16"), RIGHT),
    one("made/carriage returns alone", NUMBERS, text(
        "a.csv", table_text(OURS).replace("\n", "\r"),
    ), RIGHT),
)  # fmt: skip

STEPS: tuple[Input, ...] = tuple(
    one(f"made/steps named {word}", "9 steps", comma("s.csv", own(ONE, word)), RIGHT)
    for word in ("global_steps", "iter", "Training Steps", "optim_step", "n_updates", "rl_step",
                 "step_id", "gradient_step", "trainer/step", "timesteps", "checkpoint")
)  # fmt: skip


def apart(key: str, values: tuple[object, object], trainer: bool = False) -> dict[str, object]:
    """Two runs below each other, told apart by a column."""
    pair = ONE.then(TWO)
    return {key: [values[0]] * N + [values[1]] * N, **(trl(pair) if trainer else own(pair))}


SETTINGS = {"beta": (0.1, 0.2), "lr": (1e-6, 3e-6), "random_seed": (1, 2), "job_id": (71, 72)}
RUNS: tuple[Input, ...] = (
    *(one(f"made/runs by the numbers {key}", "9 runs", comma("r.csv", apart(key, values)),
          ONE.run(None), TWO.run(None)) for key, values in SETTINGS.items()),
    *(one(f"made/a trainer's runs by {key}", "9 runs", json_lines(
        "r.jsonl", rows_of(apart(key, SETTINGS.get(key, ("a", "b")), True)),
    ), CONVERTED, TWO.run(None, APPROXIMATE)) for key in ("beta", "run_name", "variant")),
    one("made/attempts numbered in a column", "6 attempts", comma("r.csv", apart(
        "attempt", (1, 2),
    )), TWO.run(None), says=(r"restart",)),
)  # fmt: skip


def below(wrapper: str) -> list[dict[str, object]]:
    """Lines of TRL whose metrics stand below a key."""
    return [{"step": row.pop("step"), wrapper: row} for row in rows_of(DUMP)]


def parted(row: dict[str, object]) -> dict[str, object]:
    """A row of TRL whose names are parted at their slashes, but for those without one."""
    out: dict[str, object] = {}
    for key, value in row.items():
        at = out
        *above, last = key.split("/")
        for name in above:
            at = at.setdefault(name, {})  # type: ignore[assignment]
        at[last] = value
    return out


LISTS = {"one": rows_of(OURS), "two": rows_of(own(TWO))}
BOTH = (ONE.run("one"), TWO.run("two"))
NESTED: tuple[Input, ...] = (
    *(one(f"made/metrics below {key}", "11 json", json_lines("l.jsonl", below(key)), CONVERTED)
      for key in ("logs", "metrics")),
    one("made/a trainer's names parted", "11 json", json_lines(
        "l.jsonl", [parted(row) for row in rows_of(DUMP)],
    ), CONVERTED),
    one("made/phases as objects", "11 json", json_lines("l.jsonl", [
        {"step": s, "train": {"kl": k, "proxy_reward": p}, "eval": {"gold_reward": g}}
        for s, k, p, g in zip(*OURS.values(), strict=True)
    ]), ONE.run(evaluation=None)),
    one("made/runs as lists by name", "11 json", as_json("x.json", LISTS), *BOTH),
    one("made/runs as objects in a list", "11 json", as_json("x.json", {"runs": [
        {"name": name, "history": rows} for name, rows in LISTS.items()
    ]}), *BOTH),
    one("made/rows by step", "11 json", as_json("x.json", {
        str(row.pop("step")): row for row in rows_of(OURS)
    }), RIGHT),
)  # fmt: skip

LONG = {"step": ONE.steps * 3, "name": ["kl"] * N + ["proxy_reward"] * N + ["gold_reward"] * N,
        "value": ONE.kl + ONE.proxy + ONE.gold}  # fmt: skip
EXPORTED = ONE.run(None, EXACT | UNKNOWN)


def renamed(**names: str) -> dict[str, Sequence[object]]:
    """The long table under other headings."""
    return {names.get(key, key): cells for key, cells in LONG.items()}


def zipped(name: str, files: Mapping[str, str | bytes]) -> Make:
    """Files in a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return raw(name, buffer.getvalue())


PRINTED = [{k: x for k, x in row.items() if k != "step"} for row in rows_of(DUMP)]
NUMBERED = ONE.at(range(N)).run(None, APPROXIMATE)
FORMS: tuple[Input, ...] = (
    one("made/long table by name", "11 exports", comma("m.csv", LONG), EXPORTED),
    one("made/long table as pandas melts it", "11 exports", comma("m.csv", renamed(
        name="variable",
    )), EXPORTED),
    one("made/long table of val", "11 exports", comma("m.csv", renamed(
        name="metric", value="val",
    )), EXPORTED),
    one("made/a chart against the trainer's step", "11 exports", text("c.csv", quoted({
        "train/global_step": ONE.steps, **chart("r", "kl", ONE.kl),
        **chart("r", "proxy_reward", ONE.proxy), **chart("r", "gold_reward", ONE.gold),
    })), ONE.run("r", EXACT | UNKNOWN)),
    one("made/a zip of a run's folder", "11 archives", zipped("x.zip", {
        "out/run7/trainer_state.json": json.dumps({"logging_steps": 10, "log_history": rows_of(
            DUMP)}), "__MACOSX/._x": "a", "out/run7/README.md": "x",
    }), ONE.run("run7", APPROXIMATE)),
    one("made/a gz in a zip", "11 archives", zipped("x.zip", {
        "metrics.csv.gz": gzip.compress(table_text(OURS).encode()),
    }), ONE.run(None)),
    one("made/output of json lines", "11 output", text("out.log", "".join(
        json.dumps(row) + "\n" for row in rows_of(DUMP)
    )), CONVERTED),
    one("made/output of numpy numbers", "11 output", text("out.log", "".join(
        repr(row).replace("'loss': 0.01", "'loss': np.float64(0.01)") + "\n" for row in PRINTED
    )), NUMBERED),
    one("made/output of a rank", "11 output", text("slurm-7.out", "".join(
        f"0: {row!r}\n" for row in PRINTED
    )), NUMBERED),
)  # fmt: skip


def exported(folder: Path) -> list[Path]:
    """Our own export of a trainer's run: the trainer's keys beside a KL that is converted."""
    columns = {
        "run_id": ["z"] * N, "phase": ["train"] * N, **OURS, "stretch": [0.0] * N,
        **{key: cells for key, cells in DUMP.items() if key not in OURS},
    }  # fmt: skip
    return list(comma("z.csv", columns)(folder))


def swanlab(folder: Path) -> list[Path]:
    """The small log that SwanLab's own writer wrote, in a run's folder."""
    shutil.copytree(Path(__file__).parent / "logs" / "swanlab", folder / "exp")
    return [folder / "exp"]


UNITS: tuple[Input, ...] = (
    one("made/swanlab offline", "11 trainers", swanlab, ONE.run("exp", APPROXIMATE)),
    one("made/our export of a trainer's run", "1 units", exported, ONE.run("z")),
    one("made/our export of an unknown unit", "1 units", comma("u.csv", {
        **OURS, "kl_logged_unit": ["unknown"] * N,
    }), ONE.run(None, UNKNOWN), says=(r"unit",)),
    one("made/kl beside completion_length", "1 units", comma("t.csv", {
        "step": ONE.steps, "kl": TOKEN, "reward": ONE.proxy, "completion_length": ONE.length,
    }), Run(None, ONE.steps, (Kl(TOKEN, UNKNOWN),), ONE.proxy, ({},)), says=(r"unit",)),
    *(one(f"made/{key} beside our words", "1 units", comma("t.csv", {
        "step": ONE.steps, key: TOKEN, "proxy_reward": ONE.proxy, "gold_reward": ONE.gold,
    }), ONE.run(None, kls=(NO_KL, Kl(TOKEN, UNKNOWN)))) for key in (
        "mean_kl", "approx_kl", "kl_per_token", "policy_kl", "KL divergence",
    )),
    one("made/an orchestrator's file alone", "8 one run in several files", json_lines(
        "exp9/orchestrator/metrics.jsonl", rows_of({
            "step": ONE.steps, "train/all/agent/reward/mean": ONE.proxy,
            "train/all/agent/num_output_tokens/mean": ONE.length,
        }),
    ), ONE.run(None, kls=(NO_KL,), golds=({},)), says=(r"no KL to the initial policy",)),
)  # fmt: skip

MADE_VARIANTS = (*WRITTEN, *STEPS, *RUNS, *NESTED, *FORMS, *UNITS)
"""Made inputs in further spellings."""

"""Made inputs of points 6 to 9: attempts, phases, one run in several files, steps and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.data.field_made_units import HALF, TOKEN, N, one, only, some
from tests.data.field_values import (
    APPROXIMATE,
    EXACT,
    NO_KL,
    UNKNOWN,
    Curve,
    Input,
    Kl,
    Loop,
    Run,
    Verdict,
)
from tests.data.field_writing import (
    Columns,
    Make,
    as_json,
    comma,
    events,
    hparams,
    json_lines,
    made,
    own,
    raw,
    rows_of,
    scalars,
    session_start,
    sibling,
    together,
    trl,
)

ONE, TWO = made(), sibling()
OURS = Kl(ONE.kl, EXACT)
PER_TOKEN_HERE = Kl(ONE.kl, APPROXIMATE)


def lines(*curves: Curve) -> list[dict[str, object]]:
    """Rows of our contract, one curve after the other."""
    return [row for curve in curves for row in rows_of(own(curve))]


def appended(*curves: Curve) -> Columns:
    """The columns of our contract, one curve after the other."""
    whole = curves[0]
    for curve in curves[1:]:
        whole = whole.then(curve)
    return own(whole)


FIRST, DEAD = ONE.part(0, 12), ONE.part(0, 15)
AGAIN = ONE.part(6, 14, 1.0)  # steps 70 to 140
RESUMED = ONE.part(0, 6).then(AGAIN)
FROM_ZERO = ONE.part(0, 6, 2.0)
THIRD = ONE.part(8, 11, 3.0)  # steps 90 to 110
THREE = ONE.part(0, 5).then(ONE.part(5, 8, 1.0)).then(THIRD)
RESUME = (r"attempt|restart|resum",)
NO_LATER_GOLD = {**own(DEAD.part(0, 6).then(AGAIN)), "gold_reward": (*ONE.gold[:6], *[None] * 8)}
LATE = rows_of({**own(ONE), "gold_reward": [None] * N}) + [
    {"step": step, "gold_reward": x} for step, x in ONE.golds(4, 3).items()
]


def one_row_late() -> list[dict[str, object]]:
    """Gold of a step on a line of its own, two rows after it."""
    out: list[dict[str, object]] = []
    gold = ONE.golds(4, 1)
    for row in rows_of({**own(ONE), "gold_reward": [None] * N}):
        out.append(row)
        step = row["step"] - 20
        if step in gold:
            out.append({"step": step, "gold_reward": gold[step]})
    return out


WANDB = {"_step": range(10 + 8), **trl(ONE.part(0, 10).then(ONE.part(7, 15, 1.0)), "train/",
                                       "train/global_step")}  # fmt: skip
RANKS = (r"rank|at once|at the same time",)
ATTEMPTS = (
    one("made/resumed lines", "6 attempts", json_lines("a.jsonl", lines(DEAD, AGAIN)),
        RESUMED.run(), says=RESUME),
    one("made/a dead tail in a csv", "6 attempts", comma("b.csv", appended(DEAD, FROM_ZERO)),
        FROM_ZERO.run(), says=RESUME),
    one("made/restarted twice", "6 attempts",
        json_lines("c.jsonl", lines(FIRST, ONE.part(5, 11, 1.0), THIRD)),
        THREE.run(), says=RESUME),
    one("made/the new attempt has no gold", "6 attempts",
        json_lines("d.jsonl", rows_of(own(ONE.part(0, 15))) + rows_of({
            key: values for key, values in own(AGAIN).items() if key != "gold_reward"
        })), RESUMED.run(golds=(ONE.part(0, 6).golds(),)), says=RESUME),
    one("made/wandb's counter goes on, the step goes back", "6 attempts",
        comma("history.csv", WANDB),
        ONE.part(0, 7).then(ONE.part(7, 15, 1.0)).run(None, APPROXIMATE), says=RESUME),
    one("made/a trainer's lines restart from zero", "6 attempts",
        json_lines("t.jsonl", rows_of(trl(DEAD)) + rows_of(trl(FROM_ZERO))),
        FROM_ZERO.run(None, APPROXIMATE), says=RESUME),
    one("made/tensorboard says session start", "6 attempts", events(
        "tb-run", scalars(trl(ONE, "train/")),
        session_start(70, 1.8e9) + scalars(trl(AGAIN, "train/"), wall=1.8e9),
    ), RESUMED.run("tb-run", APPROXIMATE), says=RESUME),
    one("made/tensorboard of a slow clock", "6 attempts", events(
        "slow", scalars(trl(DEAD, "train/"), wall=1.79e9),
        scalars(trl(ONE.part(10, 24, 1.0), "train/"), wall=1.78e9),
    ), ONE.part(0, 10).then(ONE.part(10, 24, 1.0)).run("slow", APPROXIMATE), says=RESUME),
    one("made/tensorboard restarted twice", "6 attempts", events(
        "thrice", scalars(trl(FIRST, "train/"), wall=1.79e9),
        scalars(trl(ONE.part(5, 11, 1.0), "train/"), wall=1.791e9),
        scalars(trl(THIRD, "train/"), wall=1.792e9),
    ), THREE.run("thrice", APPROXIMATE), says=RESUME),
    one("made/all gold after the training", "6 attempts", json_lines("e.jsonl", LATE),
        only(OURS, golds=(ONE.golds(4, 3),)), never=(r"attempt|restart",)),
    one("made/gold two rows late", "6 attempts", json_lines("f.jsonl", one_row_late()),
        only(OURS, golds=(ONE.golds(4, 1),)), never=(r"attempt|restart",)),
    one("made/ranks in csv", "6 attempts", together(*(
        comma(f"run/metrics.rank{i}.csv", own(ONE.part(0, N, i / 100))) for i in range(3)
    )), ONE.run(), says=RANKS, never=(r"resum",)),
    one("made/ranks in lines named by number", "6 attempts", together(*(
        json_lines(f"job/rank_{i:02}/log.jsonl", lines(ONE.part(0, N, i / 100))) for i in range(2)
    )), ONE.run(), says=RANKS, never=(r"resum",)),
    one("made/hosts in one tensorboard folder", "6 attempts", together(*(
        raw(f"run/events.out.tfevents.1790000000.node{i}.{40 + i}.0",
            scalars(trl(ONE.part(0, N, float(i)), "train/"), wall=1.79e9 + i / 10))
        for i in range(3)
    )), ONE.run("run", APPROXIMATE), says=RANKS, never=(r"resum",)),
    one("made/all steps zero with times", "6 attempts", comma("g.csv", {
        **own(ONE), "step": [0] * N, "timestamp": [1_790_000_000 + 10 * i for i in range(N)],
    }), ONE.at(range(N)).run(), says=(r"time|order",)),
    one("made/all steps zero in lines", "6 attempts", json_lines("h.jsonl", rows_of({
        **own(ONE), "step": [0] * N,
    })), ONE.at(range(N)).run(), says=(r"time|order",)),
)  # fmt: skip


def evaluated(rows: list[dict[str, object]], mark: dict[str, object]) -> list[dict[str, object]]:
    """Lines with an evaluation's log call after steps 60 and 180, its rewards under ``train/``."""
    out = []
    for row in rows:
        out.append(row)
        if row["train/global_step"] in (60, 180):
            out.append({
                "train/global_step": row["train/global_step"], "train/reward": 0.4,
                "train/rewards/rm/mean": 0.4, "train/rewards/gold/mean": -0.6,
                "train/completions/mean_length": 200.0, "train/kl": 0.9, **mark,
            })  # fmt: skip
    return out


LOGGED = rows_of(trl(ONE, "train/", "train/global_step"))
ASIDE = {60: (0.4, -0.6), 180: (0.4, -0.6)}
PLAIN = {"kl": TOKEN, "reward": ONE.proxy, "gold_reward": ONE.gold}
NO_FUNCTIONS = {k: v for k, v in trl(ONE, "train/").items() if not k.startswith("train/rewards/")}
PHASES = (
    one("made/an evaluation told by its runtime", "7 phases", json_lines(
        "a.jsonl", evaluated(LOGGED, {"eval/runtime": 3.0, "eval/samples_per_second": 9.0}),
    ), only(PER_TOKEN_HERE, evaluation=ASIDE)),
    one("made/an evaluation told by its loss in a state", "7 phases", as_json(
        "s/trainer_state.json", {"logging_steps": 10, "log_history": [
            {key.removeprefix("train/").replace("global_step", "step").replace("eval/", "eval_"): x
             for key, x in row.items()}
            for row in evaluated(LOGGED, {"eval/loss": 3.0})
        ]},
    ), only(PER_TOKEN_HERE, evaluation=ASIDE)),
    one("made/validation/ in event files", "7 phases", events("r", scalars({
        "step": ONE.steps, "train/kl": ONE.kl, "train/proxy_reward": ONE.proxy,
        "validation/gold_reward": some(ONE.gold, HALF),
    })), ONE.run("r", EXACT | UNKNOWN, golds=(ONE.golds(6, 5),), evaluation=None)),
    one("made/val/ in a table", "7 phases", comma("b.csv", {
        "step": ONE.steps, "train/kl": ONE.kl, "train/proxy_reward": ONE.proxy,
        "val/proxy_reward": [x - 1 if s in HALF else None
                             for s, x in zip(ONE.steps, ONE.proxy, strict=True)],
        "val/gold_reward": some(ONE.gold, HALF),
    }), only(OURS, golds=(ONE.golds(6, 5),), evaluation=None)),
    one("made/folders train and test", "7 phases", together(
        events("logs/run3/train", scalars({"step": ONE.steps, **PLAIN})),
        events("logs/run3/test", scalars({
            "step": HALF, "reward": [0.1] * len(HALF), "gold_reward": [0.2] * len(HALF),
        })),
    ), ONE.run("run3", kls=(Kl(TOKEN, UNKNOWN),),
               evaluation=dict.fromkeys(HALF, (0.1, 0.2))), says=(r"unit",)),
    one("made/folders training and eval", "7 phases", together(
        events("exp/training", scalars(trl(ONE))),
        events("exp/eval", scalars({
            "step": HALF, "reward": [0.1] * len(HALF), "rewards/rm/mean": [0.1] * len(HALF),
            "rewards/gold/mean": [0.2] * len(HALF),
        })),
    ), ONE.run("exp", APPROXIMATE, evaluation=dict.fromkeys(HALF, (0.1, 0.2)))),
    one("made/add_scalars as torch writes it", "7 phases", together(
        events("r", scalars(NO_FUNCTIONS)),
        events("r/train_rewards_gold", scalars({"step": ONE.steps, "train/rewards": ONE.gold})),
        events("r/train_rewards_rm", scalars({"step": ONE.steps, "train/rewards": ONE.proxy})),
    ), ONE.run("r", APPROXIMATE)),
    one("made/a folder of hyperparameters only", "7 phases", together(
        events("r", scalars(trl(ONE, "train/"))), events("r/1790000000.5", hparams(1.79e9)),
    ), ONE.run("r", APPROXIMATE), never=(r"no scalar",)),
    one("made/hyperparameters beside the scalars", "7 phases", together(
        events("r", scalars(trl(ONE, "train/")), hparams(1.79e9)),
    ), ONE.run("r", APPROXIMATE), never=(r"no scalar|attempt|restart",)),
)  # fmt: skip


def shards(name: str, parts: int) -> Make:
    """Our contract in shards of lines."""
    rows, size = lines(ONE), -(-N // parts)
    return together(*(
        json_lines(f"run/{name}-{i:05}-of-{parts:05}.jsonl", rows[i * size : (i + 1) * size])
        for i in range(parts)
    ))  # fmt: skip


def csv_shards(place: Path) -> Sequence[Path]:
    """Our contract in two CSV shards, named one by one."""
    for i, part in enumerate((ONE.part(0, 14), ONE.part(14, N))):
        comma(f"metrics-{i:05}-of-00002.csv", own(part))(place)
    return sorted(place.iterdir())


SWIFT = {k: v for k, v in trl(ONE).items() if k not in ("step", "num_tokens")}
SWIFT_LINES = rows_of({**SWIFT, "global_step/max_steps": [f"{s}/240" for s in ONE.steps]})


def samples(wrong: int) -> list[dict[str, object]]:
    """Ten answers of lm-eval, the first ``wrong`` of them wrong."""
    return [{
        "doc_id": i, "doc": {"question": f"Q{i}"}, "target": f"A{i}", "resps": [["x"]],
        "filtered_resps": ["x"], "filter": "none", "metrics": ["exact_match"], "doc_hash": f"h{i}",
        "prompt_hash": f"p{i}", "target_hash": f"t{i}", "exact_match": float(i >= wrong),
    } for i in range(10)]  # fmt: skip


def inspect_log(iteration: int, wrong: int) -> dict[str, object]:
    """A log of Inspect whose metadata say the iteration."""
    return {
        "version": 2, "status": "success", "eval": {
            "task": "facts", "task_id": "t", "run_id": f"r{iteration}", "eval_id": f"e{iteration}",
            "created": f"2026-11-0{iteration + 1}T10:00:00+00:00", "model": "hf/student",
            "dataset": {"name": "facts", "samples": 10}, "config": {"epochs": 1},
            "metadata": {"iteration": iteration},
        }, "plan": {}, "results": {"total_samples": 10, "completed_samples": 10, "scores": []},
        "stats": {}, "samples": [{
            "id": i, "epoch": 1, "input": f"Q{i}", "target": "A", "messages": [],
            "output": {"model": "m", "choices": [], "completion": "A"},
            "scores": {"match": {"value": "I" if i < wrong else "C", "answer": "A"}},
        } for i in range(10)],
    }  # fmt: skip


def lm_eval(folder: str, stem: str, wrong: Mapping[int, int]) -> Make:
    """One folder a checkpoint."""
    return together(*(
        json_lines(f"{folder}/{stem}-{step}/samples_triviaqa_2026-11-01T10-00-00.000000.jsonl",
                   samples(n))
        for step, n in wrong.items()
    ))  # fmt: skip


STATE = as_json("old-name/trainer_state.json", {"logging_steps": 10, "log_history": rows_of(
    trl(ONE))})  # fmt: skip


def named_folder(make: Make, name: str) -> Make:
    """The folder ``name`` of what was made is imported."""

    def inner(place: Path) -> list[Path]:
        make(place)
        return [place / name]

    return inner


ORCHESTRATOR = {
    "step": ONE.steps, "time": ONE.length, "train/all/agent/reward/mean": ONE.proxy,
    "train/all/agent/num_output_tokens/mean": ONE.length,
    "eval/math500/all/agent/avg@16": some(ONE.gold, HALF),
}  # fmt: skip
FILES = "8 one run in several files"
SEVERAL_FILES = (
    one("made/shards of lines", FILES, shards("train", 3), ONE.run()),
    one("made/shards of a csv, named one by one", FILES, csv_shards, ONE.run()),
    one("made/ms-swift beside an older checkpoint", FILES, together(
        json_lines("out/logging.jsonl", [*SWIFT_LINES, {
            "train_runtime": 9.0, "global_step/max_steps": "240/240", "train_loss": 0.1,
        }]),
        as_json("out/checkpoint-120/trainer_state.json", {
            "global_step": 120, "logging_steps": 10, "log_history": rows_of(trl(FIRST)),
        }),
        as_json("out/args.json", {"rlhf_type": "grpo", "advantage_estimator": "grpo"}),
    ), ONE.run("out", APPROXIMATE)),
    one("made/prime-rl of another environment", FILES, together(
        json_lines("exp7/orchestrator/metrics.jsonl", rows_of(ORCHESTRATOR)),
        json_lines("exp7/trainer/metrics.jsonl", rows_of({
            "step": ONE.steps, "mismatch_kl/all/mean": [9e-4] * N, "ref_kl/all/mean": [0.2] * N,
            "entropy/all/mean": [0.4] * N,
        })),
    ), ONE.run("exp7", kls=(NO_KL,), golds=(ONE.golds(6, 5),), evaluation=None),
        says=(r"no KL to the initial policy",)),
    Input("made/lm-eval of checkpoints", FILES,
          make=lm_eval("out", "outputs__grpo__checkpoint", {300: 2, 600: 5, 900: 7}),
          loops=(Loop(None, {300: (8, 2, 0), 600: (5, 5, 0), 900: (3, 7, 0)}),)),
    Input("made/lm-eval of checkpoints, named deeper", FILES,
          make=lm_eval("evals/9b", "runs__dpo__checkpoint", {50: 1, 1000: 4}),
          loops=(Loop(None, {50: (9, 1, 0), 1000: (6, 4, 0)}),)),
    Input("made/inspect in folders", FILES, make=together(*(
        as_json(f"iter{i}/log.json", inspect_log(i, i + 2)) for i in range(3)
    )), loops=(Loop(None, {i: (8 - i, 2 + i, 0) for i in range(3)}),)),
    Input("made/inspect in one folder", FILES, make=together(*(
        as_json(f"logs/2026-11-0{i + 1}_facts.json", inspect_log(i, 3 * i)) for i in range(3)
    )), loops=(Loop(None, {i: (10 - 3 * i, 3 * i, 0) for i in range(3)}),)),
    one("made/a renamed folder", FILES, named_folder(STATE, "old-name"),
        ONE.run("old-name", APPROXIMATE), ONE.run("new-name", APPROXIMATE),
        renames=("old-name", "new-name"), then=(), says=(r"rows as run old-name",), verdict=None),
    one("made/a renamed table", FILES, named_folder(
        json_lines("old/metrics.jsonl", lines(ONE)), "old",
    ), ONE.run("old"), ONE.run("new"), renames=("old", "new"), then=(),
        says=(r"\bold\b.*(forget|join|same)",)),
)  # fmt: skip


def both(name: str, first: object = "one", other: object = "two") -> dict[str, Sequence[object]]:
    """Two runs below each other, told apart by a column."""
    pair = own(ONE.then(TWO))
    return {name: [first] * N + [other] * N, **pair}


def mixed(name: str) -> dict[str, Sequence[object]]:
    """Two runs in turns, told apart by a column."""
    columns = both(name, "A", "B")
    order = [i + j for i in range(N) for j in (0, N)]
    return {key: [values[i] for i in order] for key, values in columns.items()}


PAIR = (ONE.run("one"), TWO.run("two"))
RISING = (*range(0, N, 2), *range(1, N, 2))  # an order in which KL goes up and down
SHUFFLED = Curve(
    tuple(range(N)), *(tuple(values[i] for i in RISING) for values in
                       (ONE.kl, ONE.proxy, ONE.gold, ONE.length)),
)  # fmt: skip


def gap(*steps: int) -> dict[str, Sequence[object]]:
    """Our contract without the KL of some steps."""
    kl = [None if step in steps else x for step, x in zip(ONE.steps, ONE.kl, strict=True)]
    return {**own(ONE), "kl": kl}


def without(*steps: int) -> Run:
    """The run with KL but for some steps."""
    kl = tuple(None if step in steps else x for step, x in zip(ONE.steps, ONE.kl, strict=True))
    return only(Kl(kl, EXACT))


ON_KL = Verdict(axis="kl", says=r"KL.*(missing|without|not (known|logged|measured)|left|no )")


def responses(names: Mapping[str, str]) -> list[dict[str, object]]:
    """Six steps of eight responses: two to each of four prompts."""
    return [{
        names["step"]: step, names["prompt"]: f"question {i // 2}",
        names["completion"]: f"answer {i} at {step}", names["proxy"]: step / 100 + i / 8,
        names["gold"]: round(1 - (step - 30) ** 2 / 1000 + (i // 2) / 10, 5),
    } for step in range(10, 70, 10) for i in range(8)]  # fmt: skip


GOLD_OF_RESPONSES = {step: 1 - (step - 30) ** 2 / 1000 + 0.15 for step in range(10, 70, 10)}
OUR_NAMES = {"step": "step", "prompt": "prompt", "completion": "completion",
             "proxy": "proxy_reward", "gold": "gold_reward"}  # fmt: skip
THEIR_NAMES = {"step": "Step", "prompt": "Prompt", "completion": "Response",
               "proxy": "Proxy Reward", "gold": "Gold Reward"}  # fmt: skip
STEP_NAMES = (
    "Step", "current_steps", "update", "checkpoint_step", "round", "iteration", "training_step",
    "episode", "Global Step", "STEPS", "train_step",
)  # fmt: skip
RUNS = "9 steps and runs"
STEPS_AND_RUNS = (
    one("made/Experiment and global step", RUNS, comma("a.csv", {
        "Experiment": ["one"] * N + ["two"] * N, **own(ONE.then(TWO), "global step"),
    }), *PAIR),
    *(one(f"made/runs by {name}", RUNS, comma("b.csv", both(name)), *PAIR)
      for name in ("run", "Name", "exp", "Run Name", "experiment", "RUN_ID")),
    one("made/runs by seed", RUNS, comma("c.csv", both("Seed", 0, 1)), ONE.run(), TWO.run()),
    one("made/runs by a text in blocks", RUNS, comma("d.csv", both("variant")),
        ONE.run(), TWO.run(), or_refused=True, says=(r"variant",)),
    one("made/runs in turns by a text", RUNS, json_lines("e.jsonl", rows_of(mixed("condition"))),
        ONE.run(), TWO.run(), or_refused=True, says=(r"condition",)),
    one("made/runs by arm in blocks", RUNS, comma("d.csv", both("arm")), *PAIR, says=(r"arm",)),
    one("made/runs by seed and beta", RUNS, comma("d.csv", {
        "beta": ([0.01] * N + [0.1] * N) * 2, "seed": [0] * 2 * N + [1] * 2 * N,
        **own(ONE.then(TWO).then(ONE).then(TWO)),
    }), ONE.run(), TWO.run(), ONE.run(), TWO.run(), says=(r"seed", r"beta")),
    one("made/a KL of two headings", RUNS, comma("d.csv", {
        **own(ONE), "KL": [x / 200 for x in ONE.kl],
    }), refused=True, says=(r"kl and KL", r"--kl")),
    one("made/nothing but nan", RUNS, comma("d.csv", {
        "step": ONE.steps, **dict.fromkeys(("kl", "proxy_reward", "gold_reward"), ["nan"] * N),
    }), refused=True, says=(r"no number",)),
    one("made/no step, KL goes up and down", RUNS, comma("f.csv", {
        key: values for key, values in own(SHUFFLED).items() if key != "step"
    }), SHUFFLED.run(), says=(r"no step",), never=(r"sorted by KL",)),
    one("made/no step in lines", RUNS, json_lines("g.jsonl", rows_of({
        key: values for key, values in own(SHUFFLED).items() if key != "step"
    })), SHUFFLED.run(), says=(r"no step",), never=(r"sorted by KL",)),
    *(one(f"made/steps under {name}", RUNS, comma("h.csv", own(ONE, name)), ONE.run())
      for name in STEP_NAMES),
    one("made/steps as part of all", RUNS, json_lines("i.jsonl", rows_of({
        **own(ONE), "step": [f"{step}/240" for step in ONE.steps],
    })), ONE.run()),
    *(one(f"made/responses {names['completion']}", RUNS, json_lines("j.jsonl", responses(names)),
          Run(None, None, (), None, (dict(enumerate(GOLD_OF_RESPONSES.values())),), samples=48,
              evaluation=None), verdict=Verdict(statuses=frozenset({
                  "too_little_gold", "no_onset", "warning", "overoptimized",
              }), never=r"no gold"))
      for names in (OUR_NAMES, THEIR_NAMES)),
    one("made/the first KL is missing", RUNS, comma("k.csv", gap(10)), without(10),
        verdict=ON_KL),
    one("made/two of the KLs are missing", RUNS, comma("k.csv", gap(10, 130)), without(10, 130),
        verdict=ON_KL),
    one("made/one KL is no number", RUNS, json_lines("l.jsonl", [
        row if row["step"] != 10 else {**row, "kl": float("nan")} for row in lines(ONE)
    ]), without(10), verdict=ON_KL),
)  # fmt: skip

MADE_SHAPES = (*ATTEMPTS, *PHASES, *SEVERAL_FILES, *STEPS_AND_RUNS)
"""Made inputs of points 6 to 9."""

"""The logs of the fixture stores: real ones cut short, and tables with one trait each."""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

LOOP = Path(__file__).resolve().parents[1] / "logs" / "loop"
EXAMPLES = Path(__file__).resolve().parents[3] / "data" / "examples"
Row = dict[str, Any]


def make(folder: Path) -> None:
    """Write every log below ``folder``; the same bytes each time."""
    for make_one in (real_runs, loop, tables, responses, odd):
        make_one(folder)


def real_runs(folder: Path) -> None:
    """r3 with every tenth file of completions, r5's event file, r6 as two parts of one log."""
    r3 = folder / "r3"
    shutil.copytree(EXAMPLES / "r3_grpo_bigrm" / "checkpoint-300", r3 / "checkpoint-300")
    shutil.copy(EXAMPLES / "r3_grpo_bigrm" / "trainer_state.json", r3)
    (r3 / "completions").mkdir()
    for file in sorted((EXAMPLES / "r3_grpo_bigrm" / "completions").iterdir())[::10]:
        pl.read_parquet(file).head(12).write_parquet(r3 / "completions" / file.name)
    shutil.copytree(EXAMPLES / "r5_rloo" / "tb", folder / "r5" / "tb")
    state = json.loads((EXAMPLES / "r6_grpo_resume" / "trainer_state.json").read_text())
    history = state["log_history"]
    before = [row | {"reward": 0.5} if row["step"] > 100 else row for row in history]
    for name, rows in (("before", before[: len(before) * 3 // 4]), ("after", history)):
        (folder / name / "r6").mkdir(parents=True)
        text = json.dumps(state | {"log_history": rows})
        (folder / name / "r6" / "trainer_state.json").write_text(text)


def loop(folder: Path) -> None:
    """Two of the loop's arms: 90 questions an origin, all iterations, its corpus and metrics."""
    place = folder / "loop"
    place.mkdir()
    arms = pl.col("loop").is_in(["replace", "accumulate"])
    answers = pl.read_parquet(EXAMPLES / "loop" / "answers.parquet").filter(arms)
    asked = answers.select("origin", "question_id").unique().sort("origin", "question_id")
    some = asked.group_by("origin", maintain_order=True).agg(pl.col("question_id").gather_every(9))
    some = some.explode("question_id").group_by("origin", maintain_order=True).head(90)
    answers.join(some, on=["origin", "question_id"], how="semi", maintain_order="left") \
        .write_parquet(place / "answers.parquet")  # fmt: skip
    for name in ("corpus", "metrics"):
        rows = pl.read_parquet(EXAMPLES / "loop" / f"{name}.parquet").filter(arms)
        rows.write_parquet(place / f"{name}.parquet")
    texts = pl.read_parquet(EXAMPLES / "loop" / "generations.parquet").filter(arms)
    texts.group_by("loop", "iteration", maintain_order=True).head(15).write_parquet(
        place / "generations.parquet"
    )
    shutil.copytree(LOOP, folder / "told")


def hump(seed: int, n: int = 60, fall: float = 0.35, noise: float = 0.08) -> Iterator[Row]:
    """Gao's curve for RL: gold rises with the root of KL, and past the peak it falls."""
    random.seed(seed)
    for i in range(n):
        d = 6 * i / (n - 1)
        yield {
            "step": 10 * i, "kl": d * d, "proxy_reward": d * (1 - 0.04 * d) + random.gauss(0, 0.05),
            "gold_reward": d * (1 - fall * math.log(max(d, 0.05))) + random.gauss(0, noise),
        }  # fmt: skip


def tables(folder: Path) -> None:
    """Plain tables, a run or more each: every kind of gold, error, unit and resume."""
    place = folder / "tables"
    place.mkdir()

    def table(name: str, rows: list[Row]) -> None:
        pl.DataFrame(rows, infer_schema_length=None).write_csv(place / f"{name}.csv")

    table("errors", [
        {"run_id": "falls_se", **row, "gold_reward_se": 0.08} for row in hump(1, fall=0.7)
    ] + [
        {"run_id": "rises", **row, "gold_reward_se": 0.08} for row in hump(2, fall=0.0)
    ])  # fmt: skip
    table("falls_sd", [
        {**row, "gold_reward_sd": 0.8, "n_responses": 100 + i, "proxy_reward_sd": 0.5 - 0.002 * i,
         "entropy": 2 - 0.02 * i, "clipped_share": 0.001 * i, "response_length": 40.0 + i,
         "loss": 1 / (i + 1), "lr": 1e-5 * (60 - i), "kl_reference": "initial_policy"}
        for i, row in enumerate(hump(3, fall=0.6))
    ])  # fmt: skip
    table("no_gold", [{k: v for k, v in row.items() if k != "gold_reward"} for row in hump(4, 30)])
    table("no_kl", [{k: v for k, v in row.items() if k != "kl"} for row in hump(5, fall=0.7)])
    table("per_token", [
        {**row, "kl": row["kl"] / 40, "response_length": 40.0 if i % 3 else None,
         "kl_logged_unit": "nats/token", "kl_estimator": "k3"} for i, row in enumerate(hump(6, 40))
    ])  # fmt: skip
    table("collapse", [
        {**row, "proxy_reward": 3 - 0.1 * i, "gold_reward": row["gold_reward"] - 0.1 * i,
         "gold_reward_se": 0.08} for i, row in enumerate(hump(7, 40, fall=0.7))
    ])  # fmt: skip
    table("blind", [
        row | ({} if i < 10 else {"gold_reward": None}) for i, row in enumerate(hump(8, 50))
    ])  # fmt: skip
    table("reward_model_changed", [
        {**row, "proxy_version": f"rm{i // 20}", "phase": "train"}
        for i, row in enumerate(hump(9, 60))
    ] + [
        {**row, "proxy_version": f"rm{i // 5}", "phase": "eval", "gold_reward_se": 0.05,
         "n_responses": 64} for i, row in enumerate(hump(10, 15))
    ])  # fmt: skip
    table("accuracy", [
        {"step": row["step"], "kl": row["kl"], "proxy_reward": row["proxy_reward"],
         "gold_reward": 0.4 + 0.05 * row["gold_reward"], "n_responses": 200, "arm": "low beta"}
        for row in hump(11, 30, fall=0.7)
    ])  # fmt: skip
    table("few", [{**row, "gold_reward": row["gold_reward"] if i % 9 == 4 else None}
                  for i, row in enumerate(hump(21, 20))])  # fmt: skip
    table("late", [{k: v for k, v in row.items() if k != "gold_reward"} for row in hump(12, 40)])
    table("late_gold", [
        {"run_id": "late", "step": row["step"], "gold_reward": row["gold_reward"] + shift,
         "gold_source": source, "gold_reward_se": 0.1}
        for source, shift in (("judge", 0.0), ("humans", 0.4)) for row in list(hump(13, 40))[::2]
    ])  # fmt: skip
    table("gone", [{"run_id": name, **row} for name in ("gone", "stays") for row in hump(14, 12)])
    table("many_rows", [
        {"run_id": "many_rows", **row, "gold_reward": None if i % 10 else row["gold_reward"]}
        for i, row in enumerate(hump(15, 700, fall=0.5))
    ])  # fmt: skip
    nan = list(hump(16, 20))
    text = pl.DataFrame(nan).write_csv().splitlines()
    text[5] = "40,nan,1.0,inf"
    text += [text[-1], text[-2].replace("180,", "170,", 1)]  # repeated and late steps
    (place / "numbers.csv").write_text("\n".join(text) + "\n")
    for at, part in (("one", hump(17, 12)), ("two", hump(18, 12))):
        (folder / at).mkdir()
        pl.DataFrame(list(part)).write_csv(folder / at / "twins.csv")
    roles = [
        {"run_id": f"roles_{i}", "step": row["step"], "rm_score": row["proxy_reward"],
         "judge": row["gold_reward"], "reward": 0.5, "my_kl": row["kl"],
         "response_length": 20.0 + row["step"]}
        for i in (0, 1) for row in hump(19 + i, 25, fall=0.6)
    ]  # fmt: skip
    (place / "roles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in roles))


def responses(folder: Path) -> None:
    """Responses with further numbers and log-probabilities, and human re-grades of answers."""
    place = folder / "responses"
    place.mkdir()
    random.seed(30)
    rows = [
        {"run_id": "falls_sd", "step": step, "prompt_id": f"p{i // 2}", "sample_id": i % 2,
         "prompt": f"question {i // 2}", "completion": f"<b>answer</b> {i} 'of' \"{step}\"",
         "proxy_reward": random.gauss(step / 200, 1), "gold_reward": random.gauss(0, 1),
         "logprob_policy": -20 + random.gauss(0, 1), "logprob_reference": -22.5,
         "length": 10 + i, "hedges": None if i % 5 else 0.5}
        for step in range(0, 600, 100) for i in range(12)
    ]  # fmt: skip
    (place / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    grades = ("correct", "incorrect", "not_attempted")
    answers = [
        {"run_id": "graded", "step": step, "question_id": f"q{i}", "origin": "benchmark",
         "topic": "maps" if i % 3 else "names", "entity_id": f"e{i // 2}", "sample_id": j,
         "question": f"where is {i}?", "answer": f"in {i + j}", "reference": f"in {i}",
         "grade": "unclear" if i == 7 else random.choice(grades), "confidence": random.random(),
         "confidence_kind": "verbalised", "seconds": i / 7}
        for step in (0, 50, 100) for i in range(30) for j in (0, 1)
    ]  # fmt: skip
    pl.DataFrame(answers).write_csv(place / "answers.csv")
    audits = [
        {"run_id": "graded", "step": row["step"], "question_id": row["question_id"],
         "sample_id": row["sample_id"], "human_grade": random.choice([row["grade"], "incorrect"])}
        for row in answers[::3] if row["grade"] != "unclear"
    ]  # fmt: skip
    pl.DataFrame(audits).write_csv(place / "audits.csv")
    pool = pl.read_parquet(EXAMPLES / "bon_pool" / "bon_pool.parquet")
    pool.filter(pl.col("prompt_id") < 12, pl.col("sample_id") < 32).write_parquet(
        place / "pool.parquet"
    )


def odd(folder: Path) -> None:
    """What is skipped, and a table of settings."""
    place = folder / "odd"
    place.mkdir()
    (place / "broken.jsonl").write_text('{"step": 1, "kl": 0.1}\n{"step": 2, "kl": \n{"step": 3}\n')
    (place / "trainer_state.json").write_text('{"log_history": [')
    (place / "sizes.csv").write_text(
        "run_id,reward_model_parameters,comparisons\nfalls_se,1954,3000\nrises,1954,3000\n"
    )

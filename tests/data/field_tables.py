"""The tables and stores as people write them (field/tables), and what is right of each.

The numbered ones share a base run: 40 rows, steps 5 to 200, KL .05 to 12.64911 nats per response,
proxy .20816 to 2.58549, gold .15292 over .67458 (step 85) to -.19944.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.data.field_values import (
    APPROXIMATE,
    CONVERTED,
    EXACT,
    FIELD,
    NO_KL,
    UNKNOWN,
    Curve,
    Input,
    Kl,
    Loop,
    Run,
    base,
    second,
    trained,
)

BASE, SECOND, DUMP = base(), second(), trained(1)
GENERATED = "72_generate_long.py"


def table(name: str, kind: str, *runs: Run, says: Sequence[str] = (), **more: object) -> Input:
    """One file or folder of field/tables."""
    return Input(name, kind, paths=(f"tables/{name}",), runs=runs, says=tuple(says), **more)  # type: ignore[arg-type]


def answers(name: str, kind: str, loop: str | None, grades: dict, **more: object) -> Input:
    """A file of graded answers."""
    return Input(name, kind, paths=(f"tables/{name}",), loops=(Loop(loop, grades),), **more)  # type: ignore[arg-type]


def odd_names() -> tuple[str, ...]:
    """The run names of 38, as they stand in the file."""
    with (FIELD / "tables" / "38_odd_run_names.csv").open(encoding="utf-8", newline="") as file:
        return tuple(dict.fromkeys(row["run_id"] for row in csv.DictReader(file)))


def without(values: tuple[float, ...], *steps: int) -> tuple[float | None, ...]:
    """Values of the base run, null at some steps."""
    return tuple(None if step in steps else x for step, x in zip(BASE.steps, values, strict=True))


def golds_without(*steps: int) -> dict[int, float]:
    """Gold of the base run but for some steps."""
    return {step: x for step, x in BASE.golds().items() if step not in steps}


def long_log(place: Path) -> list[Path]:
    """What 72_generate_long.py writes: 400 rows, gold at every twentieth."""
    file = place / "long.csv"
    script = FIELD / "tables" / GENERATED
    subprocess.run([sys.executable, str(script), "400", "20", str(file)], check=True, timeout=60)
    return [file]


TWICE = {0: (20, 10, 0), 1: (20, 10, 0), 2: (20, 10, 0)}
RESTARTS = (r"attempt|restart|resum",)
EVALUATED = dict.fromkeys((50, 100, 150, 200), (0.111, 0.222))
BY_FUNCTION = {"proxy_keys": frozenset({"rewards/rm/mean", "reward"})}
ANY_PROXY = {"evaluation": None}
# Exports of other trackers hold `train/kl` beside `train/reward` and `train/gold_reward`: our word
# stands there once, so that exact is right; so is to say that the unit is not stated.
EXPORTED = {"kls": (Kl(BASE.kl, EXACT | UNKNOWN),)}
EXPORTED_SECOND = {"kls": (Kl(SECOND.kl, EXACT | UNKNOWN),)}
LIVE_41 = BASE.part(0, 10, 5.0)
LIVE_42 = BASE.part(0, 20).then(BASE.part(20, 24, 5.0))
LIVE_43 = BASE.part(0, 20).then(BASE.part(20, 40, 5.0))
LIVE_26 = Curve(
    BASE.steps[:10], BASE.kl[:10],
    (1.19969, 1.32207, 1.44316, 1.56821, 1.64453, 1.74604, 1.82564, 1.89706, 1.96488, 2.03636),
    (0.17939, 0.27683, 0.3428, 0.41154, 0.47127, 0.50911, 0.53786, 0.57502, 0.59043, 0.62409),
    BASE.length[:10],
)  # fmt: skip
NUMBERS = "11 how numbers and tables are written"
EXPORTS = "11 exports of trackers"

TABLES: tuple[Input, ...] = (
    table("trl_log_history.csv", "1 a trainer's table", DUMP.run("trl_log_history", CONVERTED)),
    table("trl_callback_logs.jsonl", "1 a trainer's table",
          DUMP.run("trl_callback_logs", CONVERTED)),
    table("log_history.json", "1 a trainer's table", DUMP.run(None, CONVERTED)),
    table("50_trl_callback_metrics.jsonl", "1 a trainer's table",
          BASE.run("50_trl_callback_metrics", APPROXIMATE, **BY_FUNCTION)),
    table("restart", "6 attempts", Run(
        "restart", (0, 10), (Kl((0.0, 1.0), EXACT),), (0.1, 0.6), ({},),
    ), says=RESTARTS),
    table("26_csv_step_reset.csv", "6 attempts",
          LIVE_26.run("26_csv_step_reset"), says=RESTARTS),
    table("41_tb_restart_from_zero", "6 attempts",
          LIVE_41.run("41_tb_restart_from_zero", APPROXIMATE, **BY_FUNCTION), says=RESTARTS),
    table("42b_tb_resume_purge_step", "6 attempts",
          LIVE_42.run("42b_tb_resume_purge_step", APPROXIMATE, **BY_FUNCTION), says=RESTARTS),
    table("43_tb_clock_behind", "6 attempts",
          LIVE_43.run("43_tb_clock_behind", APPROXIMATE, **BY_FUNCTION), says=RESTARTS),
    table("40_tb_four_ranks", "6 attempts",
          BASE.run("40_tb_four_ranks", APPROXIMATE, **BY_FUNCTION),
          says=(r"rank|at once|at the same time",), never=(r"resum",)),
    table("25_rank_jsonl", "6 attempts", BASE.run(),
          says=(r"rank|at once|at the same time",), never=(r"resum",)),
    table("48_tb_gold_in_second_file", "6 attempts", BASE.run(
        "48_tb_gold_in_second_file", APPROXIMATE, golds=(BASE.golds(4, 3),), **BY_FUNCTION,
    )),
    table("52_mlflow_steps_all_zero", "6 attempts", BASE.at(range(40)).run(
        "nosteps", **EXPORTED,
    ), says=(r"time|order",)),
    table("53_mlflow_unweighted_total", "5 roles", BASE.run(
        "unweighted", APPROXIMATE, proxy_keys=frozenset({"rewards/rm/mean"}),
    )),
    table("32_unweighted_total", "5 roles", BASE.run(
        "32_unweighted_total", APPROXIMATE, proxy_keys=frozenset({"rewards/rm/mean"}),
    ), says=(r"total|sum of",)),
    table("70_odd_metric_names.jsonl", "5 roles", BASE.run("70_odd_metric_names")),
    table("70b_odd_metric_names_trl", "5 roles", BASE.run(
        "70b_odd_metric_names_trl", APPROXIMATE, golds=({},),
    ), says=(r"no gold",)),
    table("77_function_names_differ_in_case", "5 roles", BASE.run(
        "77_function_names_differ_in_case", APPROXIMATE, golds=({},),
    ), says=(r"no gold",)),
    table("71c_200_reward_functions", "5 roles", BASE.run(
        "71c_200_reward_functions", APPROXIMATE, proxy_keys=frozenset({"rewards/rm/mean"}),
    )),
    table("31_eval_rewards_unprefixed", "7 phases", BASE.run(
        "31_eval_rewards_unprefixed", APPROXIMATE, evaluation=EVALUATED,
    )),
    table("31b_wandb_history_eval_rewards_in_train.csv", "7 phases", BASE.run(
        "31b_wandb_history_eval_rewards_in_train", APPROXIMATE, evaluation=EVALUATED,
    )),
    table("45_tb_add_scalars_hparams", "7 phases", BASE.run(
        "45_tb_add_scalars_hparams", APPROXIMATE,
    )),
    # No length, and a KL that ends at .632: as logged, its unit is unknown.
    table("46_tb_train_validation_subfolders", "7 phases", BASE.run(
        "run7", kls=(Kl(BASE.per_token(), UNKNOWN),), evaluation={
            step: (proxy - 0.1, gold - 0.1) for step, proxy, gold in
            zip(BASE.steps, BASE.proxy, BASE.gold, strict=True)
        },
    ), says=(r"unit",)),
    table("28_hf_dataset_shards", "8 one run in several files", BASE.run()),
    answers("28b_hf_answers_shards", "8 one run in several files", "loopA", TWICE),
    table("30_ms_swift", "8 one run in several files", BASE.run("30_ms_swift", APPROXIMATE)),
    answers("61_lmeval_checkpoints_rerun", "8 one run in several files", "ckpts",
            {100: (16, 4, 0), 200: (10, 10, 0)}),
    answers("61c_inspect_two_checkpoints", "8 one run in several files", None,
            {100: (16, 4, 0), 200: (10, 10, 0)}),
    table("35_same_name", "8 one run in several files",
          BASE.run("run1", APPROXIMATE), SECOND.run("expB-run1", APPROXIMATE)),
    table("29_llamafactory_ppo", "9 steps and runs", BASE.run(
        "29_llamafactory_ppo", kls=(NO_KL,), golds=({},),
    ), says=(r"no gold", r"KL is missing|no KL|logs no")),
    table("74_epoch_float_steps.csv", "9 steps and runs", Run(
        "74_epoch_float_steps", None, (Kl(BASE.kl, EXACT),), BASE.proxy,
        (dict(enumerate(BASE.gold)),), rows=40,
    ), says=(r"epoch",)),
    table("73_ts_steps.csv", "9 steps and runs",
          BASE.at([1_790_000_000_000 + step for step in BASE.steps]).run("73_ts_steps")),
    table("75_sci_steps.csv", "9 steps and runs",
          BASE.at([1_000 * step for step in BASE.steps]).run("75_sci_steps")),
    table("38_odd_run_names.csv", "9 steps and runs",
          *(BASE.part(0, 12).run(name) for name in odd_names())),
    table("22_headings_case.csv", "10 names", BASE.run("22_headings_case")),
    table("22b_headings_train_prefix.csv", "10 names", BASE.run("22b_headings_train_prefix")),
    table("22c_pandas_index.csv", "10 names", BASE.run("22c_pandas_index")),
    table("14_decimal_comma.csv", NUMBERS, BASE.run("14_decimal_comma")),
    table("15_thousands.csv", NUMBERS,
          BASE.at([100 * step for step in BASE.steps]).run("15_thousands")),
    *(table(name, NUMBERS, BASE.run(name.partition(".")[0])) for name in (
        "16_excel_sep_line.csv", "16b_comment_lines.csv", "16c_blank_first_line.csv",
        "16d_space_after_comma.csv", "16e_pipe_separated.csv", "16f_whitespace.txt",
        "17_utf16_tab.csv",
    )),
    # Latin-1: what is not UTF-8 in the run's name may be lost, and nothing else.
    table("17b_latin1.csv", NUMBERS, BASE.run()),
    table("76_percent_gold.csv", NUMBERS, BASE.run("76_percent_gold", golds=({
        step: round(100 * (0.5 + x / 10), 2) / 100 for step, x in BASE.golds().items()
    },))),
    table("19_nan_literals.jsonl", NUMBERS, BASE.run(
        "19_nan_literals", kls=(Kl(without(BASE.kl, 20), EXACT),), proxy=without(BASE.proxy, 30),
        golds=(golds_without(25, 35),),
    )),
    table("19b_trainer_state_nan", NUMBERS, BASE.run(
        "19b_trainer_state_nan", kls=(Kl(without(BASE.kl, 20), APPROXIMATE),),
        golds=(golds_without(25),),
    )),
    table("21_mixed_types.jsonl", NUMBERS, BASE.run(
        "21_mixed_types", proxy=without(BASE.proxy, 40), golds=(golds_without(35, 45),),
    )),
    table("24_parquet_types.parquet", NUMBERS, BASE.run("pq-types")),
    # `gold` and `train/reward` are not our words: the unit of the KL is not known.
    table("24b_parquet_nested_metrics.parquet", NUMBERS, BASE.run(
        "r", kls=(Kl(BASE.kl, UNKNOWN),),
    ), or_refused=True, says=(r"unit|metrics",)),
    *(Input(f"18_archives/{name}", NUMBERS, paths=(f"tables/18_archives/{name}",),
            runs=(BASE.run(),)) for name in (
        "metrics.csv.bz2", "metrics.csv.xz", "metrics.csv.zip",
    )),
    # The state that is packed is that of 19b.
    *(Input(f"18_archives/{name}", NUMBERS, paths=(f"tables/18_archives/{name}",), runs=(BASE.run(
        run, kls=(Kl(without(BASE.kl, 20), APPROXIMATE),), golds=(golds_without(25),),
    ),)) for name, run in (
        ("trainer_state.json.gz", None), ("run.zip", "run1"), ("run.tar.gz", "run1"),
    )),
    table("18b_gz_named_only_json", NUMBERS, BASE.run("18b_gz_named_only_json")),
    table("01_wandb_ui_one_run", EXPORTS, BASE.run("brave-sun-3", **EXPORTED)),
    table("02_wandb_ui_several_runs.csv", EXPORTS,
          BASE.run("seed-0", **EXPORTED), SECOND.run("seed-1", **EXPORTED_SECOND)),
    table("02b_wandb_ui_grouped.csv", EXPORTS, BASE.run(
        None, kls=(NO_KL,), golds=({},),
    ), says=(r"group|mean of|average",)),
    Input("51_wandb_chart", EXPORTS, paths=("tables/51_wandb_chart_*.csv",), runs=(BASE.run(
        "brave-sun-3", golds=(BASE.golds(8, 7),), evaluation=None, **EXPORTED,
    ),)),
    *(table(name, EXPORTS, BASE.run("myrun", **EXPORTED)) for name in (
        "03_tensorboard_csv", "04_tensorboard_json",
    )),
    *(table(name, EXPORTS, BASE.run(one, **EXPORTED), SECOND.run(two, **EXPORTED_SECOND))
      for name, one, two in (
        ("05_long_run_tag_step_value.csv", "myrun", "other"),
        ("05b_long_mlflow_metrics.csv", "myrun", "other"),
        ("06_trackio_export.csv", "fierce-otter-0", "calm-bear-1"),
        ("06_trackio_export.parquet", "fierce-otter-0", "calm-bear-1"),
        ("08_neptune_export.parquet", "myrun", "other"),
    )),
    *(table(name, EXPORTS, BASE.run(None, **EXPORTED)) for name in (
        "09_clearml_scalars.json", "10_comet_metrics.json",
    )),
    *(table(name, EXPORTS, BASE.run(name, APPROXIMATE)) for name in (
        "44_tb_v2_float_val", "44b_tb_v2_tensor_content",
    )),
    table("49_tb_steps_beyond_2_53", EXPORTS, BASE.at(
        [2**53 + 1 + i for i in range(40)]
    ).run("49_tb_steps_beyond_2_53", CONVERTED)),
    # YAML's escapes in a quoted name are letters.
    table("54_mlflow_yaml_name", EXPORTS, BASE.run("café: beta=0.1 学", **EXPORTED)),
    table("54b_mlflow_separate_calls", EXPORTS, BASE.run("separate", **EXPORTED)),
    *(answers(name, "11 answers", "loopA", TWICE) for name in (
        "20_question_ids_beyond_2_53.jsonl", "20b_question_ids_int_and_float.jsonl",
        "20c_question_ids_uint64.parquet", "20d_question_ids.csv",
    )),
    *(answers(name, "11 answers", None, {0: grades}) for name, grades in (
        ("60b_lmeval_two_filters_unnamed", (20, 20, 0)), ("62_lmeval_acc_and_norm", (8, 12, 0)),
        ("62b_lmeval_truthfulqa_gen", (9, 11, 0)), ("63_inspect_epochs.json", (50, 30, 0)),
        ("63b_inspect_values.json", (8, 8, 1)), ("63c_inspect_nan_and_errors.json", (18, 0, 0)),
        ("63e_inspect_int_and_str_ids.json", (20, 0, 0)),
        ("63f_inspect_started_cancelled.json", (7, 0, 0)),
    )),
    answers("63d_inspect_dict_value.json", "11 answers", None, {0: (0, 0, 0)},
            or_refused=True, says=(r"grade",)),
    Input(GENERATED, NUMBERS, make=long_log, runs=(Run(
        "long", tuple(range(400)), (Kl(tuple(0.15 * i for i in range(1, 401)), EXACT),), None, (),
    ),)),
)  # fmt: skip
"""One input a file or folder, but for the two that the user imports in several."""

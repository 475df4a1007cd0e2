"""Every input of the wider field through the real import: the right values, or what is said.

The inputs that were handed lie in ``field/``; those that are made here are of the same kinds.
``python -m bench.field`` prints them as a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.data.field_made_shapes import MADE_SHAPES
from tests.data.field_made_tables import MADE_TABLES
from tests.data.field_made_units import MADE_UNITS
from tests.data.field_reading import Read, exact_and_wrong, faults, read
from tests.data.field_tables import TABLES
from tests.data.field_trainers import TRAINERS
from tests.data.field_values import (
    EXACT,
    FIELD,
    NO_KL,
    Input,
    Kl,
    Loop,
    base,
    second,
    trained,
)
from tests.data.field_writing import made

HANDED = (*TRAINERS, *TABLES)
MADE = (*MADE_UNITS, *MADE_SHAPES, *MADE_TABLES)
INPUTS = (*HANDED, *MADE)

NO_EXACT_IS_WRONG = "no exact is wrong"
NOT_YET: frozenset[str] = frozenset(
    """
no exact is wrong
prime-rl
roll
roll-agentic
inspect
restart
26_csv_step_reset.csv
41_tb_restart_from_zero
42b_tb_resume_purge_step
43_tb_clock_behind
40_tb_four_ranks
25_rank_jsonl
52_mlflow_steps_all_zero
31b_wandb_history_eval_rewards_in_train.csv
45_tb_add_scalars_hparams
46_tb_train_validation_subfolders
28_hf_dataset_shards
61_lmeval_checkpoints_rerun
29_llamafactory_ppo
74_epoch_float_steps.csv
22_headings_case.csv
22b_headings_train_prefix.csv
14_decimal_comma.csv
15_thousands.csv
16_excel_sep_line.csv
16b_comment_lines.csv
16c_blank_first_line.csv
16e_pipe_separated.csv
16f_whitespace.txt
76_percent_gold.csv
18_archives/metrics.csv.bz2
18_archives/metrics.csv.xz
18_archives/metrics.csv.zip
18_archives/trainer_state.json.gz
18_archives/run.zip
18_archives/run.tar.gz
18b_gz_named_only_json
01_wandb_ui_one_run
02_wandb_ui_several_runs.csv
02b_wandb_ui_grouped.csv
51_wandb_chart
03_tensorboard_csv
04_tensorboard_json
05_long_run_tag_step_value.csv
05b_long_mlflow_metrics.csv
06_trackio_export.csv
06_trackio_export.parquet
08_neptune_export.parquet
09_clearml_scalars.json
10_comet_metrics.json
54_mlflow_yaml_name
made/resumed lines
made/a dead tail in a csv
made/restarted twice
made/the new attempt has no gold
made/wandb's counter goes on, the step goes back
made/a trainer's lines restart from zero
made/tensorboard says session start
made/tensorboard of a slow clock
made/tensorboard restarted twice
made/ranks in csv
made/ranks in lines named by number
made/hosts in one tensorboard folder
made/all steps zero with times
made/all steps zero in lines
made/an evaluation told by its runtime
made/validation/ in event files
made/val/ in a table
made/folders train and test
made/folders training and eval
made/add_scalars as torch writes it
made/a folder of hyperparameters only
made/hyperparameters beside the scalars
made/shards of lines
made/shards of a csv, named one by one
made/prime-rl of another environment
made/lm-eval of checkpoints
made/lm-eval of checkpoints, named deeper
made/inspect in folders
made/a renamed folder
made/a renamed table
made/Experiment and global step
made/runs by run
made/runs by Name
made/runs by exp
made/runs by Run Name
made/runs by experiment
made/runs by RUN_ID
made/runs by seed
made/runs by a text in blocks
made/runs in turns by a text
made/no step, KL goes up and down
made/no step in lines
made/steps under Step
made/steps under current_steps
made/steps under update
made/steps under checkpoint_step
made/steps under round
made/steps under training_step
made/steps under episode
made/steps under Global Step
made/steps under STEPS
made/steps under train_step
made/steps as part of all
made/responses completion
made/responses Response
made/the first KL is missing
made/two of the KLs are missing
made/one KL is no number
made/mean_completion_len and reward_mean
made/completion_tokens and reward/mean
made/gen_len_mean and reward_avg
made/Mean Completion Len and Reward Mean
made/train/completion_tokens and train/reward_mean
made/headings STEP KL PROXY REWARD GOLD REWARD
made/headings Step Kl proxy-reward gold-reward
made/headings step kl proxyReward goldReward
made/headings Global_Step KL   Proxy_Reward Gold_Reward
made/headings train/step train/KL train/Proxy Reward train/Gold Reward
made/the folder of history.jsonl
made/the folder of results.csv
made/the folder of Metrics.csv
made/the folder of experiment_log.csv
made/the folder of trainer_log.jsonl
made/the folder of logging.jsonl
made/two folders of metrics.csv
made/points in thousands, decimal commas
made/blanks in thousands
made/narrow blanks in thousands
made/apostrophes in thousands
made/decimal commas in tabs
made/decimal commas in quotes
made/percent after a blank
made/percent with decimal commas
made/comments between rows
made/sep=, before the heading
made/sep in quotes, utf-16
made/blank lines and carriage returns
made/several blanks between columns
made/json lines in a .json
made/rows below a key
made/rows two keys down
made/columns in a json
made/nested lines
made/standard output
made/standard output without progress
made/zst
made/tar
made/zip of two runs
made/bz2 of a trainer's state
made/xlsx
made/booleans as gold
made/True and False as gold
made/charts of two runs
made/a chart of a run with dashes
made/a chart of a trainer's run
made/tensorboard downloads of two runs
made/tensorboard downloads of folders
made/long table by run_name and metric
made/long table by steps
made/long table in capitals
made/long table of one run
made/answers under other names
made/answers without a grade
made/no cell can be read
made/a trainer's file without numbers
made/a folder of unread tables
made/a folder of unread lines
""".strip().splitlines()
)
"""What is read wrongly today, by name: each is taken out as its code comes, and then the set."""


def marked(name: str) -> tuple[pytest.MarkDecorator, ...]:
    """Strict: what is right by now must leave NOT_YET."""
    return (pytest.mark.xfail(strict=True, reason="not yet"),) if name in NOT_YET else ()


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Input], Read]:
    """Each input is imported once, into a store of its own."""
    done: dict[str, Read] = {}

    def of(given: Input) -> Read:
        if given.name not in done:
            done[given.name] = read(given, tmp_path_factory.mktemp("field"))
        return done[given.name]

    return of


@pytest.mark.parametrize(
    "given", [pytest.param(i, id=i.name, marks=marked(i.name)) for i in INPUTS]
)
def test_what_comes_in(reading: Callable[[Input], Read], given: Input) -> None:
    wrong = faults(given, reading(given))
    assert not wrong, "\n".join([given.name, *wrong])


@pytest.mark.parametrize("name", [pytest.param(NO_EXACT_IS_WRONG, marks=marked(NO_EXACT_IS_WRONG))])
def test_over_all_inputs(reading: Callable[[Input], Read], name: str) -> None:
    wrong = [fault for given in INPUTS for fault in exact_and_wrong(given, reading(given))]
    assert not wrong, "\n".join([f"{name}:", *wrong])


def test_few_are_answered_unknown(reading: Callable[[Input], Read]) -> None:
    """Of what was handed; an answer is also that a log was not read."""
    unknown = [
        given.name for given in HANDED
        if any(run.label == "unknown" for run in reading(given).runs)
    ]  # fmt: skip
    assert len(unknown) <= 0.2 * len(HANDED), unknown


def test_the_truths_are_those_that_were_told() -> None:
    """The numbers of the runs that all inputs share, as they were written down beside them."""
    one, other, run = base(), second(), trained()
    assert (one.steps[0], one.steps[-1], len(one.steps)) == (5, 200, 40)
    assert (one.kl[0], one.kl[-1]) == (0.05, 12.64911)
    assert (one.proxy[0], one.proxy[-1]) == (0.20816, 2.58549)
    assert (one.gold[0], one.golds()[85], one.gold[-1]) == (0.15292, 0.67458, -0.19944)
    assert max(one.gold) == one.golds()[85]
    assert (other.kl[0], other.kl[-1], other.gold[-1]) == (0.06, 15.17893, -0.52653)
    assert run.kl[-1] == pytest.approx(39.712, abs=1e-3)
    assert run.proxy[-1] == pytest.approx(5.16, abs=1e-2)
    peak = run.kl[run.gold.index(max(run.gold))]
    assert peak == pytest.approx(5.2, abs=0.3)
    short = made()
    assert (short.steps[-1], short.kl[-1], short.gold.index(max(short.gold))) == (240, 20.0, 6)


def test_every_handed_input_is_in_the_table() -> None:
    named = {path for given in HANDED for pattern in given.paths for path in FIELD.glob(pattern)}
    named |= {path.parent for path in named if path.parent.name == "18_archives"}
    named |= set((FIELD / "tables").glob("72_*.py"))
    there = {path for room in ("trainers", "tables") for path in (FIELD / room).iterdir()}
    assert there - named == set()


def test_names_are_given_once() -> None:
    names = Counter(given.name for given in INPUTS)
    assert [name for name, n in names.items() if n > 1] == []
    assert sorted(NOT_YET - {NO_EXACT_IS_WRONG} - set(names)) == []


WRONG = {
    "name": "other", "steps": (*base().steps[:-1], 201), "kls": (NO_KL, Kl((0.1,) * 40, EXACT)),
    "proxy": base().gold, "golds": ({}, {**base().golds(), 85: 0.7}),
    "evaluation": {5: (None, None)}, "proxy_keys": frozenset({"reward"}), "samples": 1,
    "references": frozenset({"other"}),
}  # fmt: skip


@pytest.mark.parametrize("part", WRONG)
def test_what_differs_is_found(reading: Callable[[Input], Read], part: str) -> None:
    """A comparison that finds nothing would let everything pass."""
    given = next(i for i in HANDED if i.name == "22c_pandas_index.csv")
    assert faults(given, reading(given)) == []
    other = replace(given, runs=(replace(given.runs[0], **{part: WRONG[part]}),))
    assert len(faults(other, reading(given))) == 1
    for more in ({"says": ("no such sentence",)}, {"never": ("as logged",)}, {"refused": True},
                 {"exit": 1}, {"runs": given.runs * 2}, {"loops": (Loop(None, {}),)}):  # fmt: skip
        assert faults(replace(given, **more), reading(given))
    assert exact_and_wrong(other, reading(given)) == (
        ["22c_pandas_index.csv: 22c_pandas_index 40: 0.05..12.6491"] if part == "kls" else []
    )

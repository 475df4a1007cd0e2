"""Every input of the wider field through the real import: the right values, or what is said.

The inputs that were handed lie in ``field/``; those that are made here are of the same kinds.
``python -m bench.field`` prints them as a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.data.field_made_shapes import MADE_SHAPES
from tests.data.field_made_tables import MADE_TABLES
from tests.data.field_made_units import MADE_UNITS
from tests.data.field_made_variants import MADE_VARIANTS
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
MADE = (*MADE_UNITS, *MADE_SHAPES, *MADE_TABLES, *MADE_VARIANTS)
INPUTS = (*HANDED, *MADE)


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Input], Read]:
    """Each input is imported once, into a store of its own."""
    done: dict[str, Read] = {}

    def of(given: Input) -> Read:
        if given.name not in done:
            done[given.name] = read(given, tmp_path_factory.mktemp("field"))
        return done[given.name]

    return of


SAMPLE = (*HANDED, *MADE[::6])


def of_each(usual: tuple[Input, ...]) -> list[Any]:
    """Every input; those that are not usual in the long form."""
    return [pytest.param(given, id=given.name, marks=[pytest.mark.long] * (given not in usual))
            for given in INPUTS]  # fmt: skip


@pytest.mark.parametrize("given", of_each(SAMPLE))
def test_what_comes_in(reading: Callable[[Input], Read], given: Input) -> None:
    wrong = faults(given, reading(given))
    assert not wrong, "\n".join([given.name, *wrong])


TRAPS: dict[int, tuple[str, ...]] = {
    19: ("made/resumed lines", "made/a trainer's lines restart from zero", "26_csv_step_reset.csv"),
    20: ("made/tensorboard says session start", "42b_tb_resume_purge_step"),
    21: ("made/tensorboard of a slow clock", "43_tb_clock_behind"),
    22: ("made/hosts in one tensorboard folder", "40_tb_four_ranks", "25_rank_jsonl"),
    23: ("made/an evaluation told by its runtime", "31_eval_rewards_unprefixed"),
    24: ("made/weights in MLflow have no order", "53_mlflow_unweighted_total"),
    25: ("52_mlflow_steps_all_zero", "made/all steps zero with times"),
    26: ("45_tb_add_scalars_hparams", "46_tb_train_validation_subfolders",
         "made/a folder of hyperparameters only"),
    27: ("61_lmeval_checkpoints_rerun", "made/lm-eval of checkpoints"),
    28: ("28_hf_dataset_shards", "made/shards of lines"),
    29: ("51_wandb_chart", "03_tensorboard_csv", "05_long_run_tag_step_value.csv"),
}  # fmt: skip
"""The inputs of the wider field that fall into a documented trap; 30 is the verdict's."""


def test_trap_19_20_21_22_23_24_25_26_27_28_29_are_read(reading: Callable[[Input], Read]) -> None:
    inputs = {given.name: given for given in INPUTS}
    assert list(TRAPS) == list(range(19, 30))
    for trap, names in TRAPS.items():
        for name in names:
            assert not faults(inputs[name], reading(inputs[name])), (trap, name)


@pytest.mark.parametrize("inputs", [
    pytest.param(SAMPLE, id="sample"), pytest.param(INPUTS, id="all", marks=pytest.mark.long)
])  # fmt: skip
def test_no_exact_is_wrong(reading: Callable[[Input], Read], inputs: tuple[Input, ...]) -> None:
    wrong = [fault for given in inputs for fault in exact_and_wrong(given, reading(given))]
    assert not wrong, "\n".join(wrong)


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

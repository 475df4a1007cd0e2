"""Reading plain tables: our columns, aliases, options, units, and rows that cannot be read."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.columns import METRIC_COLUMNS, SAMPLE_COLUMNS, ReadOptions, RunLog, Skip
from data.readers import read
from data.readers.files import blocks
from tests.data.tables import make_tables

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples"
TABLES = Path(__file__).resolve().parent / "tables"


def all_of(path: Path, **options: object) -> list[RunLog | Skip]:
    return list(read([path], ReadOptions(**options)))  # type: ignore[arg-type]


def one(path: Path, **options: object) -> RunLog:
    (run,) = all_of(path, **options)
    assert isinstance(run, RunLog), run
    return run


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


PLAIN = "step,kl,proxy_reward,gold_reward,extra\n1,0.5,1.5,0.25,7\n2,0.75,1.75,0.125,8\n"


@pytest.mark.parametrize(
    "kind", ["csv", "csv.gz", "tsv", "jsonl", "parquet", "crlf", "bom", "utf16"]
)
def test_the_same_table_in_every_wrapping(tmp_path: Path, kind: str) -> None:
    rows = [dict(zip(PLAIN.split("\n")[0].split(","), line.split(","), strict=True))
            for line in PLAIN.strip().split("\n")[1:]]  # fmt: skip
    numbers = [{k: float(v) for k, v in row.items()} for row in rows]
    path = tmp_path / f"toy.{kind}"
    if kind == "csv.gz":
        path.write_bytes(gzip.compress(PLAIN.encode()))
    elif kind == "tsv":
        path.write_text(PLAIN.replace(",", "\t"))
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in numbers) + "\n")
    elif kind == "parquet":
        pl.DataFrame(numbers).write_parquet(path)
    else:
        path = tmp_path / "toy.csv"
        text = PLAIN.replace("\n", "\r\n") if kind == "crlf" else PLAIN
        path.write_bytes(text.encode({"bom": "utf-8-sig", "utf16": "utf-16"}.get(kind, "utf-8")))
    run = one(path)
    assert (run.run, run.parent, run.verbatim) == ("toy", tmp_path.name, False)
    assert run.metrics.columns[: len(METRIC_COLUMNS)] == list(METRIC_COLUMNS)
    assert run.metrics.get_column("step").to_list() == [1, 2]
    assert run.metrics.get_column("kl").to_list() == [0.5, 0.75]
    assert run.metrics.get_column("proxy_reward").to_list() == [1.5, 1.75]
    assert run.metrics.get_column("gold_reward").to_list() == [0.25, 0.125]
    assert run.metrics.get_column("extra").to_list() == [7.0, 8.0]
    assert (run.facts.kl_conversion, run.facts.kl_logged_unit) == ("exact", "nats/sequence")
    assert run.warnings == []


@pytest.mark.parametrize("name", make_tables.tables())
def test_tables_are_what_their_script_makes(name: str) -> None:
    assert make_tables.read(name) == make_tables.tables()[name]


def test_exact_curve_without_steps_is_sorted_by_kl() -> None:
    run = one(TABLES / "exact_curve.csv")
    kl, gold = run.metrics.get_column("kl"), run.metrics.get_column("gold_reward")
    assert run.metrics.height == 24
    assert kl.is_sorted()
    assert run.metrics.get_column("step").to_list() == list(range(24))
    assert kl[0] == 0.018832307852
    assert gold.max() == pytest.approx(make_tables.PEAK_GOLD)
    assert kl[int(gold.arg_max() or 0)] == pytest.approx(make_tables.PEAK_KL)
    assert any("no step column" in warning for warning in run.warnings)


def test_exact_dynamics_keeps_slightly_negative_kl() -> None:
    run = one(TABLES / "exact_dynamics.csv")
    first = run.metrics.row(0, named=True)
    assert (first["step"], first["kl"]) == (0, -2.25e-18)
    assert (first["proxy_reward"], first["gold_reward"]) == (-0.5, 0.0)
    assert run.metrics.height == 141


def test_accuracy_in_per_cent_is_a_rate_and_kl_loss_is_no_kl() -> None:
    path = TABLES / "format_reward.csv"
    run = one(path, proxy="reward_avg", gold="eval_acc")
    assert run.metrics.height == 500
    assert run.facts.gold_kind == "rate"
    assert run.facts.kl_conversion == "missing"
    assert "kl_loss" in run.facts.kl_note
    assert run.metrics.get_column("kl").null_count() == 500
    gold = run.metrics.filter(pl.col("gold_reward").is_not_null())
    assert gold.get_column("gold_reward").to_list()[:3] == [48.6, 55.4, 56.0]
    assert gold.height == 11
    third = run.metrics.filter(step=3).row(0, named=True)
    assert (third["proxy_reward"], third["response_length"]) == (0.625, 276.0)
    (alone,) = all_of(path)
    assert isinstance(alone, RunLog)
    assert (alone.facts.proxy_key, alone.facts.gold_key) == ("reward_avg", None)


def test_loop_tables_are_runs_by_loop_and_iteration() -> None:
    runs = all_of(EXAMPLES / "loop" / "metrics.parquet")
    assert [r.run for r in runs if isinstance(r, RunLog)] == [
        "replace", "accumulate", "verified", "random_control",
    ]  # fmt: skip
    run = runs[0]
    assert isinstance(run, RunLog)
    last = run.metrics.row(-1, named=True)
    assert (last["step"], last["kl"], last["n_responses"]) == (8, 21.35476939583333, 4770)
    assert (last["proxy_reward"], last["gold_reward"]) == (3.94332325, 0.32294981107874193)
    assert last["proxy_reward_sd"] == 3.4436965687483903


def test_generations_are_samples() -> None:
    runs = all_of(EXAMPLES / "loop" / "generations.parquet")
    run = runs[0]
    assert isinstance(run, RunLog)
    assert run.verbatim
    assert run.samples.columns[: len(SAMPLE_COLUMNS)] == list(SAMPLE_COLUMNS)
    assert run.samples.height == 43200
    assert run.samples.get_column("logprob_reference").null_count() == 0
    assert run.samples.get_column("completion").null_count() == 0
    kl = run.metrics.get_column("kl")  # k1 of the log-probabilities, each iteration
    assert run.facts.kl_estimator == "k1"
    assert kl.len() == run.samples.get_column("step").n_unique()
    assert kl.null_count() == 0


def test_best_of_n_pool_is_samples() -> None:
    run = one(EXAMPLES / "bon_pool" / "bon_pool.parquet")
    assert run.samples.height == 64 * 256
    assert run.samples.get_column("prompt_id").n_unique() == 64
    assert run.samples.get_column("gold_reward").null_count() == 0
    assert "proxy_big" in run.samples.columns


def test_several_runs_keep_their_names_verbatim(tmp_path: Path) -> None:
    names = ["<img src=x onerror=alert(1)>", "'; drop table runs;--", "../../etc"]
    rows = [{"run_id": n, "step": s, "proxy": 1, "gold": 2} for n in names for s in (1, 2)]
    path = written(tmp_path / "many.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    runs = [r for r in all_of(path) if isinstance(r, RunLog)]
    assert [run.run for run in runs] == names
    assert all(run.verbatim for run in runs)
    assert runs[0].metrics.get_column("run_id").to_list() == [names[0]] * 2
    (skip,) = all_of(path, run="mine")
    assert isinstance(skip, Skip)
    assert "--run mine" in skip.reason


@pytest.mark.parametrize(
    ("unit", "kl", "conversion"),
    [
        (None, 2.0, "exact"),
        ("nats/token", 20.0, "approximate"),
        ("bits", 2.0 * math.log(2), "exact"),
    ],
)
def test_kl_unit(tmp_path: Path, unit: str | None, kl: float, conversion: str) -> None:
    path = written(tmp_path / "t.csv", "step,kl,proxy,gold,response_length\n1,2,3,4,10\n")
    run = one(path, kl_unit=unit)
    assert run.metrics.get_column("kl").to_list() == [pytest.approx(kl, rel=1e-15)]
    assert run.facts.kl_conversion == conversion


def test_per_token_kl_needs_a_length(tmp_path: Path) -> None:
    run = one(written(tmp_path / "t.csv", "step,kl,proxy,gold\n1,2,3,4\n"), kl_unit="nats/token")
    assert run.metrics.get_column("kl").to_list() == [None]
    assert run.facts.kl_conversion == "missing"
    assert any("no response length" in warning for warning in run.warnings)


def test_a_mapped_kl_without_unit_is_labelled(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "step,drift,proxy,gold\n1,2,3,4\n")
    run = one(path, kl="drift")
    assert run.metrics.get_column("kl").to_list() == [2.0]
    assert (run.facts.kl_conversion, run.facts.kl_logged_unit) == ("unknown", "unknown")
    assert any("--kl-unit" in warning for warning in run.warnings)
    assert one(path).metrics.get_column("kl").to_list() == [None]  # missing, never 0


@pytest.mark.parametrize("option", ["proxy", "gold", "kl"])
def test_an_unknown_key_lists_those_that_exist(tmp_path: Path, option: str) -> None:
    path = written(tmp_path / "t.csv", "step,proxy,gold\n1,2,3\n")
    (skip,) = all_of(path, **{option: "nope"})
    assert isinstance(skip, Skip)
    assert f"--{option} names nope" in skip.reason
    assert "proxy, step" in skip.reason


@pytest.mark.parametrize("option", ["kl_unit", "kl_estimator", "gold_kind", "format"])
def test_an_unknown_option_value_is_refused(tmp_path: Path, option: str) -> None:
    (skip,) = all_of(written(tmp_path / "t.csv", PLAIN), **{option: "nope"})
    assert isinstance(skip, Skip)
    assert "nope is unknown" in skip.reason


def test_unreadable_cells_and_lines_are_named(tmp_path: Path) -> None:
    text = "step,proxy,gold\n1,2,x\nabc,1,1\n3,1\n4,5,6\n5,NaN,inf\n6,,NA\n"
    run = one(written(tmp_path / "t.csv", text))
    assert run.metrics.get_column("step").to_list() == [1, 4, 5, 6]
    assert run.metrics.get_column("gold_reward").to_list() == [None, 6.0, None, None]
    assert run.facts.nan_rows == 1
    warnings = " ".join(run.warnings)
    assert "line 2, column gold: 'x' is not a number" in warnings
    assert "line 3, column step: 'abc'" in warnings
    assert "line 4 has 2 cells instead of 3" in warnings


def test_jsonl_broken_lines(tmp_path: Path) -> None:
    lines = [
        '{"step": 1, "proxy": NaN, "gold": 1}',
        '{"step": 2, "proxy": 2, "gold"',
        "[" * 100_000,
        '{"step": 3, "proxy": 1e400, "gold": 1' + "0" * 400 + "}",
        '{"step": 4, "proxy": 4, "gold": 4}',
        '{"step": 5, "pro',
    ]
    run = one(written(tmp_path / "t.jsonl", "\n".join(lines)))
    assert run.metrics.get_column("step").to_list() == [1, 3, 4]
    assert run.facts.nan_rows == 2
    warnings = " ".join(run.warnings)
    assert "line 2 is not whole JSON" in warnings
    assert "line 3 nests" in warnings
    assert "half-written last line was left out" in warnings
    assert "line 6" not in warnings


def test_a_step_that_goes_back_begins_an_attempt(tmp_path: Path) -> None:
    text = "step,proxy,gold,phase\n1,1,1,train\n2,2,2,train\n1,9,9,train\n1,5,5,val\n"
    run = one(written(tmp_path / "t.csv", text))
    assert run.metrics.select("phase", "step", "proxy_reward").rows() == [
        ("train", 1, 9.0), ("eval", 1, 5.0),
    ]  # fmt: skip
    assert run.facts.steps_replaced == 2
    assert any("attempt 2 begins at step 1" in warning for warning in run.warnings)


def test_repeated_steps_keep_the_last(tmp_path: Path) -> None:
    text = "step,proxy,gold,phase\n1,1,1,train\n1,9,9,train\n2,2,2,train\n1,5,5,val\n"
    run = one(written(tmp_path / "t.csv", text))
    assert run.metrics.select("phase", "step", "proxy_reward").rows() == [
        ("train", 1, 9.0), ("train", 2, 2.0), ("eval", 1, 5.0),
    ]  # fmt: skip
    assert run.facts.steps_replaced == 1


def test_an_unknown_phase_is_not_training(tmp_path: Path) -> None:
    run = one(written(tmp_path / "t.csv", "step,proxy,gold,phase\n1,1,1,train\n2,2,2,dev?\n"))
    assert run.metrics.height == 1
    assert any("'dev?' is neither" in warning for warning in run.warnings)


def test_a_changed_reference_or_proxy_starts_a_stretch(tmp_path: Path) -> None:
    text = "step,proxy,gold,kl_reference,proxy_version,gold_source\n" + "".join(
        f"{s},1,1,{ref},{version},human\n"
        for s, ref, version in [
            (1, "initial_policy", "a"),
            (2, "initial_policy", "a"),
            (3, "initial_policy", "b"),
            (4, "other", "b"),
        ]
    )
    run = one(written(tmp_path / "t.csv", text))
    assert run.metrics.get_column("stretch").to_list() == [0, 0, 1, 2]
    assert run.metrics.get_column("gold_source").to_list() == ["human"] * 4
    given = one(written(tmp_path / "u.csv", "step,proxy,gold,stretch\n1,1,1,0\n2,1,1,3\n"))
    assert given.metrics.get_column("stretch").to_list() == [0, 3]


def test_long_texts_and_quoted_line_breaks(tmp_path: Path) -> None:
    long = "x" * 300_000
    text = f'step,prompt,completion,proxy,gold\n1,"a\nb","{long}",1,2\n2,p,q,bad,2\n'
    run = one(written(tmp_path / "s.csv", text))
    assert run.samples.get_column("completion").to_list()[0] == long
    assert run.samples.get_column("prompt").to_list()[0] == "a\nb"
    assert any("line 4, column proxy: 'bad'" in warning for warning in run.warnings)


LINES = st.lists(
    st.tuples(
        st.sampled_from([("a", "b", "s"), ("s", "a", "b"), ("a", "b"), ("a", "s", "z"), ("a", "z"),
                         ("a", "b", "s", "z"), ("a", "b", "a")]),
        st.sampled_from(["1", "null", " null"]),
        st.sampled_from(['"x"', '":null"', '"q:n"', "null", r'"\":null"', '":"']),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@given(lines=LINES)
def test_a_block_is_read_like_the_one_before_only_where_nothing_is_lost(
    lines: list[tuple[tuple[str, ...], str, str]],
) -> None:
    before = blocks.sound_jsonl(b'{"a":1,"b":0.5,"s":"x"}\n{"a":2,"b":null,"s":null}\n')
    text = "\n".join(
        "{" + ",".join(f'"{key}":{word if key == "s" else number}' for key in keys) + "}"
        for keys, number, word in lines
    )
    alone = blocks.sound_jsonl(text.encode())
    after = blocks.sound_jsonl(text.encode(), before)
    if alone is None or after is None:
        assert alone is after
        return
    assert set(alone.columns) <= set(after.columns)  # like the block before: its columns too
    for name in alone.columns:
        values = [frame[name].cast(pl.String).cast(pl.Float64, strict=False).to_list()
                  for frame in (alone, after)]  # fmt: skip
        assert values[0] == values[1]
        assert alone[name].null_count() == after[name].null_count()

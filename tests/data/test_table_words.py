"""Plain tables whose words say what they hold: searched through spellings, not single files."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from data import readers
from data.columns import ReadOptions, RunLog, Skip
from data.readers.kl import kl_headings
from data.readers.kl.kl_table import UNITS
from data.readers.meaning import attempts
from data.readers.metrics import tails
from data.readers.names import response_columns
from data.readers.raw import number_texts
from tests.data.field_writing import made, own, sibling, table_text, trl

ONE, TWO = made(), sibling()
N = len(ONE.steps)
OURS = own(ONE)


def logs(
    place: Path, columns: Mapping[str, Sequence[object]], **options: object
) -> list[RunLog | Skip]:
    """What is read of a table with these columns."""
    file = place / "t.csv"
    file.write_text(table_text(columns, "\t"), encoding="utf-8")
    return list(readers.read([file], ReadOptions(**options)))  # type: ignore[arg-type]


def only(found: Sequence[RunLog | Skip]) -> RunLog:
    assert len(found) == 1 and isinstance(found[0], RunLog), found
    return found[0]


def refused(found: Sequence[RunLog | Skip]) -> str:
    assert len(found) == 1 and isinstance(found[0], Skip), found
    return found[0].reason


def spellings(*words: str) -> list[str]:
    """A heading as people write it."""
    return ["_".join(words), " ".join(words).title(), "/".join(words), "".join(
        w.title() for w in words), f"train/{'_'.join(words)}", "-".join(words).upper()]  # fmt: skip


RESPONSES = [
    (prompt, completion)
    for column, other in (response_columns.WIDE, response_columns.WIDE[::-1])
    for prompt, completion in [
        *((word, other.keys[0]) for word in column.keys),
        *((word, {"prompt": "completion", "completion": "prompt"}[column.name])
          for word in column.keys),
    ]
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), RESPONSES)
def test_rows_of_single_responses_are_no_curve(tmp_path: Path, one: str, other: str) -> None:
    """Under each word for a prompt beside each for a response."""
    rows = [(step, f"what is {q}", f"it is {a}") for step in (0, 10, 20) for q in range(3)
            for a in range(2)]  # fmt: skip
    columns = {
        "step": [r[0] for r in rows], one: [r[1] for r in rows], other: [r[2] for r in rows],
        "rm_score": [i / 7 for i in range(len(rows))],
        "gold_reward": [i / 9 for i in range(len(rows))], "kl": [0.1 * r[0] for r in rows],
    }  # fmt: skip
    log = only(logs(tmp_path, columns))
    assert (log.samples.height, log.facts.proxy_key) == (len(rows), "rm_score")
    assert log.metrics["kl"].null_count() == log.metrics.height
    assert log.metrics["gold_reward"].to_list() == pytest.approx(
        [sum(range(6 * i, 6 * i + 6)) / 6 / 9 for i in range(3)]
    )
    assert any("number of each response" in warning for warning in log.warnings)


@pytest.mark.parametrize("word", ["query", "output", "question"])
def test_an_example_a_step_leaves_a_curve_a_curve(tmp_path: Path, word: str) -> None:
    columns = {**OURS, word: [f"what is {i}" for i in range(N)], "answer": ["so it is"] * N}
    assert only(logs(tmp_path, columns)).metrics["kl"].to_list() == list(ONE.kl)


@pytest.mark.parametrize("keep", ["kl", "proxy_reward", "gold_reward"])
def test_most_rows_of_a_repeated_step_are_refused(tmp_path: Path, keep: str) -> None:
    columns = {"step": [s for s in (0, 5, 9) for _ in range(8)], keep: [i / 24 for i in range(24)]}
    reason = refused(logs(tmp_path, columns))
    assert "21 of 24 rows repeat a step" in reason and "prompt and completion" in reason


def test_the_same_rows_twice_are_one_curve(tmp_path: Path) -> None:
    log = only(logs(tmp_path, own(ONE.then(ONE.part(0, 9)))))
    assert log.metrics["kl"].to_list() == list(ONE.kl)
    assert not [
        warning for warning in log.warnings if "restarted" in warning or "repeat a step" in warning
    ]


ORDERS = {
    "as text": sorted(range(N), key=lambda i: str(ONE.steps[i])),
    "backwards": [*range(N)][::-1],
    "odd ones last": [*range(0, N, 2), *range(1, N, 2)],
    "second half first": [*range(N // 2, N), *range(N // 2)],
    "blocks": [*range(6), *range(12, 18), *range(6, 12), *range(18, N)],
    "by another column": sorted(range(N), key=lambda i: ONE.gold[i]),
    "three workers": [i for k in range(3) for i in range(k, N, 3)],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("stretched", [False, True])
@pytest.mark.parametrize("trainer", [False, True])
def test_rows_in_another_order_are_sorted(
    tmp_path: Path, order: str, stretched: bool, trainer: bool
) -> None:
    """All steps are different: no row is lost, whether steps are even or not."""
    if order in ("odd ones last", "three workers"):
        stretched = False  # uneven steps one by one between others may be a restart's
    steps = [s + i * i for i, s in enumerate(ONE.steps)] if stretched else ONE.steps
    columns: dict[str, Sequence[object]] = {**own(ONE), "step": steps}
    if trainer:
        columns |= {"reward": ONE.proxy, "reward_std": [0.5] * N, "loss": [0.1] * N,
                    "completions/mean_length": ONE.length}  # fmt: skip
    mixed = {key: [values[i] for i in ORDERS[order]] for key, values in columns.items()}
    log = only(logs(tmp_path, mixed))
    trained = log.metrics.filter(pl.col("phase") == "train")
    assert trained["step"].to_list() == list(steps)
    assert trained["gold_reward"].to_list() == list(ONE.gold)
    assert any(attempts.REORDERED in warning for warning in log.warnings)


@pytest.mark.parametrize("offset", [0, 3])
def test_a_restart_is_told_with_its_evidence(tmp_path: Path, offset: int) -> None:
    """Steps that come again with other values, or fall one by one between those of before."""
    again = TWO.part(6, N)
    whole = ONE.part(0, 14).then(again.at([s + offset for s in again.steps]))
    log = only(logs(tmp_path, own(whole)))
    assert log.metrics["kl"].to_list() == [*ONE.kl[: 7 if offset else 6], *TWO.kl[6:]]
    assert any(
        "restarted once" in warning and attempts.RESTARTED in warning for warning in log.warnings
    )


UNIT_WORDS = {
    ("nats/token", "approximate"): [("kl", "per", "token"), ("token", "kl"), ("kl", "token"),
        ("kl", "nats", "per", "token"), ("mean", "kl", "per", "token")],
    ("bits/token", "approximate"): [("kl", "bits", "per", "token"), ("token", "kl", "bits")],
    ("nats", "exact"): [("kl", "nats"), ("kl", "in", "nats"), ("mean", "kl", "nats")],
    ("bits", "exact"): [("kl", "bits"), ("kl", "divergence", "bits")],
    ("nats/response", "exact"): [("kl", "per", "sequence"), ("seq", "kl"), ("sequence", "kl"),
        ("kl", "per", "response"), ("kl", "nats", "per", "sequence"), ("response", "kl")],
    ("bits/response", "exact"): [("kl", "bits", "per", "response"), ("seq", "kl", "bits")],
}  # fmt: skip
HEADINGS = [
    (unit, label, heading)
    for (unit, label), spoken in UNIT_WORDS.items()
    for heading in [
        *(h for words in spoken for h in spellings(*words)),
        *([f"KL ({unit})", f"kl [{unit}]", f"KL, {unit}"]),
    ]
]


@pytest.mark.parametrize(("unit", "label", "heading"), HEADINGS)
def test_a_heading_states_the_unit(tmp_path: Path, unit: str, label: str, heading: str) -> None:
    logged, factor = UNITS[unit]
    each = ONE.length if logged.endswith("token") else [1.0] * N
    columns = {**OURS, "response_length": ONE.length}
    columns[heading] = [x / n / factor for x, n in zip(ONE.kl, each, strict=True)]
    del columns["kl"]
    log = only(logs(tmp_path, columns))
    assert log.metrics["kl"].to_list() == pytest.approx(list(ONE.kl))
    assert (log.facts.kl_conversion, log.facts.kl_key) == (label, heading)
    assert "as the heading says" in log.facts.kl_note
    stated = only(logs(tmp_path, columns, kl_unit="nats"))  # what is said at import wins
    assert stated.metrics["kl"].to_list() == pytest.approx(columns[heading])


@pytest.mark.parametrize("heading", ["kl_nats", "KL (bits)"])
def test_a_heading_without_per_what_stays_unknown_beside_others_words(
    tmp_path: Path, heading: str
) -> None:
    columns = {"step": ONE.steps, heading: ONE.kl, "reward": ONE.proxy}
    log = only(logs(tmp_path, columns))
    assert log.facts.kl_conversion == "unknown" and "--kl-unit" in log.facts.kl_note


def test_a_heading_beside_others_words_states_no_policy(tmp_path: Path) -> None:
    columns = {"step": ONE.steps, "seq_kl": ONE.kl, "reward": ONE.proxy}
    facts = only(logs(tmp_path, columns)).facts
    assert (facts.kl_conversion, facts.kl_reference) == ("as_stated", "unknown")


@pytest.mark.parametrize("heading", ["mean_kl", "policy_kl_bits", "KL ref", "train/kl_avg"])
def test_a_key_that_may_be_the_kl_is_named(tmp_path: Path, heading: str) -> None:
    columns = {"step": ONE.steps, heading: ONE.kl, "reward": ONE.proxy}
    facts = only(logs(tmp_path, columns)).facts
    assert facts.kl_conversion == "missing" and f"--kl {heading}" in facts.kl_note


NOT_UNITS = [
    "kl", "policy_kl", "approx_kl", "kl_loss", "ref_kl", "tokens", "kl_tokens_seen", "old_token_kl",
    "kl_bits_nats", "rank", "klein_per_token", "seq_token_kl",
]  # fmt: skip


@pytest.mark.parametrize("heading", NOT_UNITS)
def test_other_headings_state_none(heading: str) -> None:
    assert kl_headings.stated(heading) is None


MADE_OF_KL = {
    "square root": [("sqrt", "kl"), ("kl", "sqrt"), ("root", "kl")],
    "coefficient": [("kl", "coef"), ("kl", "coeff"), ("init", "kl", "coef"), ("kl", "beta"),
        ("kl", "weight"), ("kl", "ctl"), ("adaptive", "kl", "coefficient")],
    "setting": [("kl", "target"), ("target", "kl"), ("kl", "threshold"), ("kl", "budget")],
    "loss term": [("kl", "penalty"), ("kl", "loss"), ("kl", "cost"), ("mean", "kl", "penalty")],
    "logarithm": [("log", "kl"), ("kl", "log10")],
    "spread": [("kl", "std"), ("kl", "stderr")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "heading"),
    [(what, h) for what, spoken in MADE_OF_KL.items() for words in spoken
     for h in spellings(*words) if "/" not in h or h.startswith("train/")],
)  # fmt: skip
def test_what_is_made_of_a_kl_is_none(tmp_path: Path, what: str, heading: str) -> None:
    columns = {**OURS, heading: [math.sqrt(x) for x in ONE.kl]}
    log = only(logs(tmp_path, columns, kl=heading))
    assert log.facts.kl_conversion == "missing" and what in log.facts.kl_note
    assert log.metrics["kl"].null_count() == N
    with_unit = only(logs(tmp_path, columns, kl=heading, kl_unit="nats"))
    assert with_unit.facts.kl_conversion == "missing"


def test_a_penalty_is_divided_by_its_stated_coefficient(tmp_path: Path) -> None:
    columns = {**OURS, "kl_penalty": [0.05 * x for x in ONE.kl]}
    note = only(logs(tmp_path, columns, kl="kl_penalty")).facts.kl_note
    assert "--kl-coefficient" in note
    log = only(logs(tmp_path, columns, kl="kl_penalty", kl_coefficient="0.05", kl_unit="nats"))
    assert log.metrics["kl"].to_list() == pytest.approx(list(ONE.kl))


@pytest.mark.parametrize("cell", [None, "x?", "nan", "-", "  "])
def test_a_few_cells_without_a_kl_get_a_word(tmp_path: Path, cell: str | None) -> None:
    kl: list[object] = list(ONE.kl)
    kl[4] = kl[9] = cell
    log = only(logs(tmp_path, {**OURS, "kl": kl}))
    assert any(
        f"in 2 of {N} rows, first at step {ONE.steps[4]}" in warning for warning in log.warnings
    )
    if cell != "x?":  # a trainer's table gets it too
        per_token = [None if x in (None, cell) else x / n  # type: ignore[operator]
                     for x, n in zip(kl, ONE.length, strict=True)]  # fmt: skip
        trainers = only(logs(tmp_path, {**trl(ONE), "kl": per_token}))
        assert any(f"in 2 of {N} rows" in warning for warning in trainers.warnings)
    now_and_then = [x if i % 4 == 0 else None for i, x in enumerate(ONE.kl)]
    quiet = only(logs(tmp_path, {**OURS, "kl": now_and_then}))
    assert not any("blank or unreadable" in warning for warning in quiet.warnings)


@pytest.mark.parametrize("trainer", [False, True])
def test_no_kl_that_could_be_read_is_never_exact(tmp_path: Path, trainer: bool) -> None:
    columns: dict[str, Sequence[object]] = {**OURS, "kl": ["n/a?"] * N}
    if trainer:
        columns |= {"reward": ONE.proxy, "reward_std": [0.5] * N,
                    "completions/mean_length": ONE.length}  # fmt: skip
    for cells in (["?"] * N, ["nan"] * N, [None] * N):
        log = only(logs(tmp_path, {**columns, "kl": cells}))
        assert (log.facts.kl_conversion, log.facts.kl_note != "") == ("missing", True)


ANSWERS = [18, 3, 70000, 540, 20, 64, 260, 160, 45, 460, 366, 694, 13, 18, 60, 125, 230, 57500, 7,
           6, 15, 14, 7, 8]  # fmt: skip


@pytest.mark.parametrize("written", [int, float, lambda x: f"{x:.1f}", lambda x: f"{x:,}"])
def test_reference_answers_are_no_gold(tmp_path: Path, written: object) -> None:
    cells = [written(x) for x in ANSWERS]  # type: ignore[operator]
    for columns in ({**OURS, "gold": cells}, {"step": ONE.steps, "reward": ONE.proxy,
                                              "Gold": cells}):  # fmt: skip
        columns = {k: v for k, v in columns.items() if k != "gold_reward"}
        log = only(logs(tmp_path, columns))
        assert log.facts.gold_key is None and log.metrics["gold_reward"].null_count() == N
        assert any(
            "reference answers" in warning and "--gold" in warning for warning in log.warnings
        )
        key = "gold" if "gold" in columns else "Gold"
        insisted = only(logs(tmp_path, columns, gold=key))
        assert insisted.metrics["gold_reward"].null_count() == 0


def test_reference_answers_in_a_trainers_table_are_no_gold(tmp_path: Path) -> None:
    columns = {k: v for k, v in trl(ONE).items() if not k.startswith("rewards/gold")}
    log = only(logs(tmp_path, {**columns, "gold": ANSWERS}))
    assert log.facts.gold_key is None
    assert any("--gold gold" in warning for warning in log.warnings)
    insisted = only(logs(tmp_path, {**columns, "gold": ANSWERS}, gold="gold"))
    assert insisted.facts.gold_key == "gold"


@pytest.mark.parametrize("key", ["gold_reward", "gold_score"])
def test_grades_of_responses_are_gold(tmp_path: Path, key: str) -> None:
    rows = 24
    columns = {"step": [i // 6 for i in range(rows)], "query": [f"why {i}" for i in range(rows)],
               "output": [f"so {i}" for i in range(rows)], "rm_score": [0.5] * rows,
               key: [1 + i % 5 for i in range(rows)]}  # fmt: skip
    file = tmp_path / "t.jsonl"
    pl.DataFrame(columns).write_ndjson(file)
    log = only(list(readers.read([file], ReadOptions())))
    assert log.facts.gold_key == key and log.samples["gold_reward"].null_count() == 0


@pytest.mark.parametrize("word", ["idx", "response_id", "group", "k", "sample"])
def test_numbers_of_responses_are_no_runs(tmp_path: Path, word: str) -> None:
    """Each number stands at each step once, as a run's seed would."""
    rows = [(step, k) for step in (0, 5, 9) for k in range(8)]
    columns = {"step": [r[0] for r in rows], word: [r[1] for r in rows],
               "rm_score": [r[0] / 7 + r[1] for r in rows],
               "gold_reward": [r[0] / 9 - r[1] for r in rows]}  # fmt: skip
    assert "repeat a step" in refused(logs(tmp_path, columns))


GOLDS = {
    "ratings": [1000 + 7 * i - i * i // 3 for i in range(N)],
    "percent": [3 * i for i in range(N)],
    "counts": [1 + i**3 for i in range(N)],
    "grades": [i % 7 for i in range(N)],
    "tests passed": [8 * i + (i * 37) % 11 for i in range(N)],
    "shares": list(ONE.gold),
    "elo": [1200 + (i * 7919) % 97 for i in range(N)],
}


@pytest.mark.parametrize("kind", GOLDS)
def test_gold_on_a_scale_stays_gold(tmp_path: Path, kind: str) -> None:
    log = only(logs(tmp_path, {**OURS, "gold_reward": GOLDS[kind]}))
    assert log.metrics["gold_reward"].to_list() == GOLDS[kind]


ERRORS = {
    "{v} ± {e}": 1.0,
    "{v}±{e}": 1.0,
    "{v} +/- {e}": 1.0,
    "{v} ({e})": 1.0,
    "{v} (±{e})": 1.0,
    "{v} [{l}, {h}]": 1 / number_texts.NORMAL_95,
    "{v} ({l}, {h})": 1 / number_texts.NORMAL_95,
    "{v} [{l}; {h}]": 1 / number_texts.NORMAL_95,
    "{v} [95% CI: {l}, {h}]": 1 / number_texts.NORMAL_95,
    "{v} ({l} to {h})": 1 / number_texts.NORMAL_95,
}


@pytest.mark.parametrize("form", ERRORS)
@pytest.mark.parametrize("commas", [False, True])
def test_a_value_and_its_error_in_one_cell(tmp_path: Path, form: str, commas: bool) -> None:
    gold = [round(x, 3) for x in ONE.gold]
    cells = [form.format(v=v, e=0.02, l=round(v - 0.02, 3), h=round(v + 0.02, 3)) for v in gold]
    columns: dict[str, Sequence[object]] = {**OURS, "gold_reward": cells}
    if commas and ", " not in form:  # no interval is written so with decimal commas
        columns = {k: [str(x).replace(".", ",") for x in v] for k, v in columns.items()}
    log = only(logs(tmp_path, columns))
    assert log.metrics["gold_reward"].to_list() == pytest.approx(gold)
    assert log.metrics["gold_reward_se"].to_list() == pytest.approx([0.02 * ERRORS[form]] * N)
    interval = ERRORS[form] != 1.0
    (warning,) = [warning for warning in log.warnings if "standard error" in warning]
    first = str(columns["gold_reward"][0])
    assert repr(first) in warning and ("half of the interval" in warning) == interval


def test_an_error_of_the_proxy_is_left_out_and_said(tmp_path: Path) -> None:
    columns = {**OURS, "proxy_reward": [f"{x} ± 0.1" for x in ONE.proxy],
               "gold_reward_se": [0.3] * N, "kl": [f"{x} ± 0.2" for x in ONE.kl]}  # fmt: skip
    log = only(logs(tmp_path, columns))
    assert log.metrics["proxy_reward"].to_list() == list(ONE.proxy)
    assert log.metrics["kl"].to_list() == list(ONE.kl)
    assert log.metrics["gold_reward_se"].to_list() == [0.3] * N
    assert sum("is left out" in warning for warning in log.warnings) == 2


def test_words_for_texts_are_told_once() -> None:
    words = list(itertools.chain.from_iterable(column.keys for column in response_columns.WIDE))
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    "more", [{"query": "why", "output": "so"}, {"gold": 70000}, {"Gold": 18.0}, {"answer": "so"}]
)
def test_lines_that_are_known_by_all_the_others_never_stand_alone(more: dict[str, object]) -> None:
    line = {"step": 5, "kl": 0.5, "proxy_reward": 1.0}
    assert tails.stand_alone(json.dumps(line).encode())
    assert tails.stand_alone(json.dumps({**line, "gold": 0.62}).encode())
    assert not tails.stand_alone(json.dumps({**line, **more}).encode())


def test_a_heading_that_stands_twice_is_numbered_and_told(tmp_path: Path) -> None:
    lines = table_text(OURS).splitlines()
    more = [
        f"{line},{'loss,loss,,' if i == 0 else f'{i},{2 * i},,'}" for i, line in enumerate(lines)
    ]
    (tmp_path / "t.csv").write_text("\n".join(more) + "\n")
    log = only(list(readers.read([tmp_path / "t.csv"], ReadOptions())))
    assert log.metrics["loss (2)"].to_list() == [2.0 * i for i in range(1, N + 1)]
    assert log.metrics["kl"].to_list() == list(ONE.kl) and log.facts.kl_conversion == "exact"
    assert any("several columns are called loss" in warning for warning in log.warnings)


@pytest.mark.parametrize(("key", "option"), [
    ("kl", "kl"), ("proxy_reward", "proxy"), ("gold_reward", "gold"), ("step", "step"),
])  # fmt: skip
def test_no_reading_chooses_between_two_of_one_heading(
    tmp_path: Path, key: str, option: str
) -> None:
    """Other cells under one heading are asked for; the same cells again are one column."""
    columns = {**OURS, "other": [value + 1 for value in OURS[key]], "copy": OURS[key]}
    text = table_text(columns).replace("other", key, 1).replace("copy", key, 1)
    (tmp_path / "t.csv").write_text(text)
    reason = refused(list(readers.read([tmp_path / "t.csv"], ReadOptions())))
    assert f"--{option}" in reason and repr(f"{key} (2)") in reason and "(3)" not in reason
    asked = ReadOptions(**{option: f"{key} (2)"})  # type: ignore[arg-type]
    log = only(list(readers.read([tmp_path / "t.csv"], asked)))
    name = {"step": "step", "kl": "kl"}.get(key, key)
    assert log.metrics[name].to_list() == [value + 1 for value in OURS[key]]


@pytest.mark.parametrize(
    ("heading", "column"),
    [("Response Length [tokens]", "response_length"), ("Gold Reward (%)", "gold_reward"),
     ("Proxy Reward [points]", "proxy_reward"), ("Step (#)", "step")],
)  # fmt: skip
def test_a_unit_in_brackets_leaves_a_heading_ours(
    tmp_path: Path, heading: str, column: str
) -> None:
    columns = {**OURS, "response_length": ONE.length}
    log = only(logs(tmp_path, {heading if k == column else k: v for k, v in columns.items()}))
    assert log.metrics[column].to_list() == list(columns[column])


@pytest.mark.parametrize("heading", ["Response Length (chars)", "Gold Reward (std)", "Gold (max)"])
def test_other_words_in_brackets_do_not(tmp_path: Path, heading: str) -> None:
    columns = {k: v for k, v in OURS.items() if k != "gold_reward"}
    log = only(logs(tmp_path, {**columns, heading: ONE.gold}))
    assert log.facts.gold_key is None and log.metrics["response_length"].null_count() == N

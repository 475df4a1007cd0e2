"""What a file says of its KL around its rows is heeded, wherever and however it is said."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import readers
from data.columns import ReadOptions, RunFacts, RunLog, Skip
from data.readers.kl import kl_remarks
from data.readers.meaning import conversion
from data.readers.metrics import large_tables
from tests.data.field_writing import made, own, rows_of, table_text, trl
from tests.data.sheet_writer import book

ONE = made()
N = len(ONE.steps)
BIT = math.log(2)
OURS = {**own(ONE), "response_length": ONE.length}
KEYS = list(OURS)
Columns = Mapping[str, Sequence[object]]


def read(files: Sequence[Path], **options: object) -> list[RunLog | Skip]:
    return list(readers.read(files, ReadOptions(**options)))  # type: ignore[arg-type]


def only(found: Sequence[RunLog | Skip]) -> RunLog:
    assert len(found) == 1 and isinstance(found[0], RunLog), found
    return found[0]


def put(file: Path, text: str) -> list[Path]:
    file.write_text(text, encoding="utf-8")
    return [file]


def below(columns: Columns, line: str) -> str:
    heading, rows = table_text(columns).split("\n", 1)
    return f"{heading}\n{line}\n{rows}"


def with_metadata(place: Path, columns: Columns, of_field: bool, text: str) -> list[Path]:
    table = pa.table({key: list(values) for key, values in columns.items()})
    about = {"description": text}
    fields = [f.with_metadata(about) if of_field and f.name == "kl" else f for f in table.schema]
    schema = pa.schema(fields, metadata=None if of_field else {"kl": text})
    pq.write_table(table.cast(schema), place / "t.parquet")
    return [place / "t.parquet"]


def beside(place: Path, columns: Columns, text: str) -> list[Path]:
    put(place / "meta.json", json.dumps({"units": {"kl": text}, "kl_coef": 0.05}))
    return put(place / "t.csv", table_text(columns))


def described(place: Path, name: str, text: str, columns: Columns) -> list[Path]:
    put(place / name, text)
    return put(place / "t.csv", table_text(columns))


def sheet(place: Path, *sheets: tuple[str, list[list[object]]], note: str = "") -> list[Path]:
    (place / "t.xlsx").write_bytes(book(sheets, note))
    return [place / "t.xlsx"]


def cells(columns: Columns) -> list[list[object]]:
    return [list(columns), *(list(row) for row in zip(*columns.values(), strict=True))]


def lines(columns: Columns) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows_of(columns))


Write = Callable[[Path, Columns, str], list[Path]]
PLACES: dict[str, Write] = {
    "comment": lambda d, c, t: put(d / "t.csv", f"# seed 3\n# KL: {t}\n{table_text(c)}"),
    "comment below": lambda d, c, t: put(d / "t.csv", below(c, f"# kl: {t}")),
    "comment at the end": lambda d, c, t: put(d / "t.csv", f"{table_text(c)}# kl {t}\n"),
    "title": lambda d, c, t: put(d / "t.csv", f"Run 7\nKL {t}\n\n{table_text(c)}"),
    "last line": lambda d, c, t: put(d / "t.csv", f"{table_text(c)}\nNote: KL {t}\n"),
    "units": lambda d, c, t: put(d / "t.csv", below(c, f",{t},,,tokens")),
    "comment of units": lambda d, c, t: put(d / "t.csv", below(c, f"#-,{t},-,-,tokens")),
    "column of notes": lambda d, c, t: put(
        d / "t.csv", table_text({**c, "notes": [f"kl {t}"] * N})),
    "settings beside": beside,
    "yaml beside": lambda d, c, t: described(d, "config.yaml", f"log:\n  kl_unit: {t}\n", c),
    "readme beside": lambda d, c, t: described(d, "README.md", f"# Columns\n\n- `kl`: {t}\n", c),
    "pairs of a document": lambda d, c, t: put(
        d / "t.json", json.dumps({"units": [["kl", t], ["step", "1"]], "rows": rows_of(c)})),
    "markdown": lambda d, c, t: put(
        d / "t.md", f"KL {t}\n\n| {' | '.join(c)} |\n|{'---|' * len(c)}\n" + "".join(
            f"| {' | '.join(map(str, row))} |\n" for row in zip(*c.values(), strict=True))),
    "first object": lambda d, c, t: put(
        d / "t.jsonl", json.dumps({"meta": {"kl": t}}) + f"\n{lines(c)}"),
    "flat object": lambda d, c, t: put(
        d / "t.jsonl", json.dumps({"message": f"kl {t}"}) + f"\n{lines(c)}"),
    "units of a document": lambda d, c, t: put(
        d / "t.json", json.dumps({"units": {"kl": t}, "rows": rows_of(c)})),
    "fields of a document": lambda d, c, t: put(
        d / "t.json", json.dumps({"fields": [{"name": "kl", "unit": t}], "rows": rows_of(c)})),
    "beside columns": lambda d, c, t: put(d / "t.json", json.dumps({**c, "about": {"kl": t}})),
    "a run's own": lambda d, c, t: put(
        d / "t.json", json.dumps([{"name": "a", "kl_unit": t, "log": rows_of(c)}])),
    "schema": lambda d, c, t: with_metadata(d, c, False, t),
    "field": lambda d, c, t: with_metadata(d, c, True, t),
    "title of a sheet": lambda d, c, t: sheet(d, ("data", [["Run 7"], [f"KL {t}"], *cells(c)])),
    "another sheet": lambda d, c, t: sheet(
        d, ("README", [["column", "is"], ["kl", t]]), ("x", cells(c))),
    "note on a cell": lambda d, c, t: sheet(d, ("data", cells(c)), note=f"KL {t}"),
}  # fmt: skip
PER_TOKEN = [x / n for x, n in zip(ONE.kl, ONE.length, strict=True)]
REMARKS: dict[str, tuple[Sequence[float], str]] = {
    "nats per token": (PER_TOKEN, "approximate"),
    "per-token mean (k3)": (PER_TOKEN, "approximate"),
    "averaged over tokens": (PER_TOKEN, "approximate"),
    "bits/token": ([x / BIT for x in PER_TOKEN], "approximate"),
    "in bits": ([x / BIT for x in ONE.kl], "exact"),
    "nats per response": (ONE.kl, "exact"),
    "sum over the tokens of a response": (ONE.kl, "exact"),
    "not per response": (ONE.kl, "unknown"),
    "rescaled": (ONE.kl, "unknown"),
    "per prompt": (ONE.kl, "unknown"),
    "from the old policy": (ONE.kl, "missing"),
    "from the SFT reference": (ONE.kl, "exact"),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_a_file_says_of_its_kl_is_heeded(tmp_path: Path, place: str) -> None:
    for number, (text, (kl, label)) in enumerate(REMARKS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        log = only(read(PLACES[place](folder, {**OURS, "kl": kl}, text)))
        case = (place, text, log.facts.kl_note)
        assert log.facts.kl_conversion == label, case
        assert log.metrics.height == N, case
        if label in ("exact", "approximate"):
            assert log.metrics["kl"].to_list() == pytest.approx(list(ONE.kl)), case
        elif label == "unknown":
            assert "--kl-unit" in log.facts.kl_note, case
        else:
            assert log.metrics["kl"].null_count() == N, case


HARMLESS = [
    "run 7, seed 3", "kl_coef=0.05 lr=1e-6 target_kl=6", "KL penalty 0.02 per token",
    "512 samples per evaluation, at most 256 tokens", "kl logged every 25 steps on 64 responses",
    "response_length: tokens; rewards: scores", "loss_agg_mode: token-mean for the policy loss",
    "mean response length in tokens", "KL(policy || reference), k1", "created by log_kl.py",
    "see README for units", "proxy normalised to mean 0",
    "KL is to the SFT model, mean over responses", "kl: sum over tokens, mean over the batch",
    "KL(pi || pi_ref)", "KL from the policy to the reference",
]  # fmt: skip


def test_what_is_said_of_others_leaves_the_kl_as_it_is(tmp_path: Path) -> None:
    for number, text in enumerate(HARMLESS):
        log = only(read(put(tmp_path / f"{number}.csv", f"# {text}\n{table_text(OURS)}")))
        assert log.facts.kl_conversion == "exact", (text, log.facts.kl_note)


@pytest.mark.parametrize(("lines", "heading"), [
    (["kl: nats per token", "KL is per response"], "kl"),
    (["kl: nats per response"], "kl_per_token"),
    (["kl in bits"], "kl (nats)"), (["kl to the old policy", "kl to the reference"], "kl"),
])  # fmt: skip
def test_what_contradicts_itself_is_unknown(tmp_path: Path, lines: list[str], heading: str) -> None:
    columns = {heading if key == "kl" else key: values for key, values in OURS.items()}
    text = "".join(f"# {line}\n" for line in lines) + table_text(columns)
    facts = only(read(put(tmp_path / "t.csv", text))).facts
    assert facts.kl_conversion == "unknown" and repr(lines[0]) in facts.kl_note
    log = only(read(put(tmp_path / "t.csv", text), kl_unit="nats", kl_reference="initial_policy"))
    assert log.facts.kl_conversion == "exact"


def test_a_remark_that_contradicts_a_trainer_makes_it_unknown(tmp_path: Path) -> None:
    for text, label in (("nats per response", "unknown"), ("averaged over tokens", "approximate")):
        table = f"# kl: {text}\n{table_text(trl(ONE))}"
        assert only(read(put(tmp_path / "t.csv", table))).facts.kl_conversion == label


def test_a_remark_beside_others_words_states_no_policy(tmp_path: Path) -> None:
    columns = {"step": ONE.steps, "kl": ONE.kl, "reward": ONE.proxy}
    facts = only(read(put(tmp_path / "t.csv", f"# kl: nats/response\n{table_text(columns)}"))).facts
    assert (facts.kl_conversion, facts.kl_reference) == ("as_stated", "unknown")


def test_runs_of_one_file_with_two_units_are_unknown(tmp_path: Path) -> None:
    runs = [{"name": name, "kl_unit": unit, "log": rows_of(OURS)}
            for name, unit in (("a", "nats/token"), ("b", "nats/response"))]  # fmt: skip
    found = read(put(tmp_path / "t.json", json.dumps(runs)))
    labels = [log.facts.kl_conversion for log in found if isinstance(log, RunLog)]
    assert labels == ["unknown", "unknown"]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_remark_holds_for_every_part_of_a_large_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(large_tables, "LARGE", 0)
    monkeypatch.setattr(large_tables, "PART", 1)
    columns = {"run_id": [run for run in "abc" for _ in range(N)]}
    columns |= {key: list(values) * 3 for key, values in OURS.items()}  # type: ignore[dict-item]
    columns["kl"] = PER_TOKEN * 3  # type: ignore[assignment]
    text = below(columns, ",,nats/token,,,tokens")
    if kind == "jsonl":
        text = json.dumps({"meta": {"kl_unit": "nats/token"}}) + "\n" + lines(columns)
    found = [log for log in read(put(tmp_path / f"t.{kind}", text)) if isinstance(log, RunLog)]
    assert {log.run for log in found} == {"a", "b", "c"}
    for log in found:
        assert (log.facts.kl_logged_unit, log.facts.kl_conversion) == ("nats/token", "approximate")


SIBLINGS: dict[str, tuple[Columns, str]] = {
    "its own per response": ({**OURS, "kl": PER_TOKEN, "kl_per_response": ONE.kl}, "exact"),
    "one per token": ({**OURS, "kl": PER_TOKEN, "kl_per_token": PER_TOKEN}, "approximate"),
    "in bits": ({**OURS, "kl_bits": [x / BIT for x in ONE.kl]}, "exact"),
    "the same in bits": ({**OURS, "kl": [x / BIT for x in ONE.kl],
                          "KL (bits)": [x / BIT for x in ONE.kl]}, "exact"),
    "another per token": ({**OURS, "kl_per_token": PER_TOKEN}, "exact"),
    "of no relation": ({**OURS, "kl_per_token": [9 * x for x in PER_TOKEN]}, "unknown"),
    "with percent signs": ({**OURS, "kl": [f"{100 * x}%" for x in ONE.kl]}, "unknown"),
    "beside one from the reference": ({**OURS, "kl": [0.01] * N, "kl_ref": ONE.kl}, "unknown"),
    "beside one to the start": ({**OURS, "kl": PER_TOKEN, "kl_to_init": ONE.kl}, "unknown"),
    "beside the same twice": ({**OURS, "kl_ref": ONE.kl}, "exact"),
    "beside its settings": ({**OURS, "init_kl_coef": [0.2] * N, "kl_ref_std": ONE.length,
                             "kl_reference": ["initial_policy"] * N}, "exact"),
    "under a root": ({("\u221akl" if k == "kl" else k): v for k, v in OURS.items()}, "missing"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SIBLINGS)
def test_other_columns_and_cells_say_which_kl_it_is(tmp_path: Path, kind: str) -> None:
    columns, label = SIBLINGS[kind]
    log = only(read(put(tmp_path / "t.csv", table_text(columns))))
    assert log.facts.kl_conversion == label, log.facts.kl_note
    if label in ("exact", "approximate"):
        assert log.metrics["kl"].to_list() == pytest.approx(list(ONE.kl))


def test_the_user_names_one_of_two_kls(tmp_path: Path) -> None:
    columns = {**OURS, "kl_ref": [9 * x for x in ONE.kl]}
    file = put(tmp_path / "t.csv", table_text(columns))
    log = only(read(file, kl_unit="nats"))
    assert log.facts.kl_conversion == "unknown"
    assert all(word in log.facts.kl_note for word in ("kl and kl_ref", "--kl KEY"))
    assert only(read(file, kl="kl")).facts.kl_conversion == "exact"
    chosen = only(read(file, kl="kl_ref", kl_unit="nats"))
    assert chosen.metrics["kl"].to_list() == pytest.approx(columns["kl_ref"])
    assert chosen.facts.kl_conversion == "as_stated"


def test_a_kl_below_zero_is_doubted(tmp_path: Path) -> None:
    text = table_text({**OURS, "kl": [-x for x in ONE.kl]})
    assert any(
        "below 0" in warning for warning in only(read(put(tmp_path / "t.csv", text))).warnings
    )


@pytest.mark.parametrize("length", ["# response_length is in characters\n", "units"])
def test_a_length_in_words_converts_no_kl(tmp_path: Path, length: str) -> None:
    columns = {"step": ONE.steps, "kl_per_token": PER_TOKEN, "proxy_reward": ONE.proxy,
               "response_length": ONE.length}  # fmt: skip
    text = below(columns, ",,,words") if length == "units" else length + table_text(columns)
    log = only(read(put(tmp_path / "t.csv", text)))
    assert log.facts.kl_conversion == "missing"
    assert any("--length" in warning for warning in log.warnings)


def test_a_column_that_says_the_previous_policy_is_no_axis(tmp_path: Path) -> None:
    columns = {**OURS, "kl_reference": ["previous_policy"] * N}
    log = only(read(put(tmp_path / "t.csv", table_text(columns))))
    assert log.facts.kl_conversion == "missing" and "previous policy" in log.facts.kl_note


@pytest.mark.parametrize(
    "key", ["completion_length", "clip_ratio", "objective/entropy", "perf/mfu"]
)
def test_kl_beside_more_trainers_keys_is_not_exact(tmp_path: Path, key: str) -> None:
    columns = {**own(ONE), key: ONE.length}
    log = only(read(put(tmp_path / "t.csv", table_text(columns))))
    assert log.facts.kl_conversion != "exact"


@pytest.mark.parametrize(("remark", "label"), [
    ("sqrt(kl) in the plot", "exact"), ("x axis of the figure: sqrt(KL)", "exact"),
    ("kl column holds sqrt(KL), as in the plot", "unknown"),
    ("kl logged as its logarithm, see figure 2: log kl", "unknown"),
    ("kl is the natural log of KL", "unknown"), ("kl = ln(KL)", "unknown"),
])  # fmt: skip
def test_how_kl_was_drawn_is_not_what_it_is(tmp_path: Path, remark: str, label: str) -> None:
    log = only(read(put(tmp_path / "t.csv", f"# {remark}\n{table_text(OURS)}")))
    assert log.facts.kl_conversion == label, log.facts.kl_note


@pytest.mark.parametrize("remark", [
    "kl is summed over the batch of 8 responses", "kl: sum over 8 responses", "KL: batch total",
    "KL in log10 units", "kl: log base 10", "KL(ref || policy)", "KL(pi_ref||pi), nats",
    "kl from the reference to the trained policy", "column kl_direction",
])  # fmt: skip
def test_a_sum_over_a_batch_another_scale_and_the_other_direction_are_unknown(
    tmp_path: Path, remark: str
) -> None:
    turned = remark.startswith("column")
    columns = {**OURS, "kl_direction": ["ref||policy"] * N} if turned else OURS
    text = table_text(columns) if turned else f"# {remark}\n{table_text(columns)}"
    facts = only(read(put(tmp_path / "t.csv", text))).facts
    assert facts.kl_conversion == "unknown", facts.kl_note
    assert ("ref||policy" if turned else remark.partition(",")[0]) in facts.kl_note


def test_settings_that_a_tracker_keeps_are_heeded() -> None:
    for unit, per_token in (("nats/token", True), ("nats/response", False)):
        source = conversion.of_trainer(
            ["kl", "proxy_reward"], None, {"kl_coef": 0.1, "logging.kl_unit": unit}, False,
            ReadOptions(), RunFacts(),
        )  # fmt: skip
        assert source is not None and source.per_token is per_token


def test_claims_are_found_in_a_sentence() -> None:
    [claim] = kl_remarks.claims(["length in tokens, kl in nats per response"], "kl", KEYS)
    assert (claim.base, claim.over, claim.odd) == ("nats", "response", False)
    [claim] = kl_remarks.claims(["units: -, nats/token, -, -, tokens"], "kl", KEYS)
    assert (claim.base, claim.over, claim.odd) == ("nats", "token", False)

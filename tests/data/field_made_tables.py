"""Made inputs of points 10 to 12: names, how numbers and tables are written, exports, refusals."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import re
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa

from tests.data.field_made_units import TOKEN, N, one, only
from tests.data.field_values import APPROXIMATE, CONVERTED, EXACT, STATED, UNKNOWN, Input, Kl, Run
from tests.data.field_writing import (
    Columns,
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
    together,
    trl,
)

ONE, TWO = made(), sibling()
OURS = Kl(ONE.kl, EXACT)
MULTIPLIED = Kl(ONE.kl, CONVERTED | STATED)


def lengths(name: str, reward: str) -> dict[str, object]:
    """A table with its own names, KL per token."""
    return {
        "step": ONE.steps, "kl": TOKEN, name: ONE.length, reward: ONE.proxy,
        re.sub("(?i)mean|avg", "std", reward): [0.5] * N, "gold": ONE.gold,
    }  # fmt: skip


def renamed(step: str, kl: str, proxy: str, gold: str) -> dict[str, object]:
    """Our contract under other headings."""
    return dict(zip((step, kl, proxy, gold), (ONE.steps, ONE.kl, ONE.proxy, ONE.gold), strict=True))


NAMES = (
    *(one(f"made/{length} and {reward}", "10 names", comma("a.csv", lengths(length, reward)),
          only(MULTIPLIED), options=("--kl-unit", "nats/token")) for length, reward in (
        ("mean_completion_len", "reward_mean"), ("completion_tokens", "reward/mean"),
        ("gen_len_mean", "reward_avg"), ("Mean Completion Len", "Reward Mean"),
        ("train/completion_tokens", "train/reward_mean"),
    )),
    *(one(f"made/headings {' '.join(names)}", "10 names", comma("b.csv", renamed(*names)),
          only(OURS)) for names in (
        ("STEP", "KL", "PROXY REWARD", "GOLD REWARD"),
        ("Step", "Kl", "proxy-reward", "gold-reward"),
        ("step", "kl", "proxyReward", "goldReward"),
        ("Global_Step", "KL ", " Proxy_Reward", "Gold_Reward"),
        ("train/step", "train/KL", "train/Proxy Reward", "train/Gold Reward"),
    )),
    *(one(f"made/the folder of {file}", "10 names", make, ONE.run("beta-01"))
      for file, make in (
        ("history.jsonl", json_lines("beta-01/history.jsonl", rows_of(own(ONE)))),
        ("results.csv", comma("beta-01/results.csv", own(ONE))),
        ("Metrics.csv", comma("beta-01/Metrics.csv", own(ONE))),
        ("experiment_log.csv", comma("beta-01/experiment_log.csv", own(ONE))),
        ("trainer_log.jsonl", json_lines("beta-01/trainer_log.jsonl", rows_of(own(ONE)))),
        ("logging.jsonl", json_lines("beta-01/logging.jsonl", rows_of(own(ONE)))),
    )),
    one("made/two folders of metrics.csv", "10 names", together(
        comma("beta-01/metrics.csv", own(ONE)), comma("beta-02/metrics.csv", own(TWO)),
    ), ONE.run("beta-01"), TWO.run("beta-02")),
    one("made/a heading that is not our KL", "10 names", comma("c.csv", {
        **own(ONE), "KL": [3.0] * N, "Step": [7] * N, "Gold Reward": [9.0] * N,
    }), ONE.run("c")),
)  # fmt: skip


def german(x: object) -> str:
    """1.234,5"""
    return f"{x:,}".translate(str.maketrans(",.", ".,")) if isinstance(x, int | float) else str(x)


def many(step: str) -> dict[str, object]:
    """Our contract at steps of thousands."""
    return own(ONE.at([100 * s for s in ONE.steps]), step)


THOUSANDS = ONE.at([100 * s for s in ONE.steps])
RATE = tuple(round(0.5 + x / 10, 3) for x in ONE.gold)
RATES = dict(zip(ONE.steps, RATE, strict=True))


def percent(shape: str, decimal: str = ".") -> dict[str, object]:
    """Our contract with a gold in percent."""
    return {**own(ONE), "gold_reward": [
        shape.format(f"{100 * x:.1f}".replace(".", decimal)) for x in RATE
    ]}  # fmt: skip


def packed(place: Path) -> list[Path]:
    """A zst file."""
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(table_text(own(ONE)).encode())
    file = place / "metrics.csv.zst"
    file.write_bytes(out.getvalue().to_pybytes())
    return [file]


def tarred(place: Path) -> list[Path]:
    """A plain tar of one run's folder."""
    content = "".join(json.dumps(row) + "\n" for row in rows_of(own(ONE))).encode()
    file = place / "archive.tar"
    with tarfile.open(file, "w") as tar:
        info = tarfile.TarInfo("exp-3/metrics.jsonl")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return [file]


def zipped(place: Path) -> list[Path]:
    """A zip of two runs' folders."""
    file = place / "both.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, curve in (("exp-1", ONE), ("exp-2", TWO)):
            archive.writestr(f"{name}/metrics.csv", table_text(own(curve)))
    return [file]


def workbook(place: Path) -> list[Path]:
    """The smallest xlsx that a spreadsheet opens."""
    rows = [list(own(ONE)), *zip(*own(ONE).values(), strict=True)]
    cells = "".join(
        f'<row r="{i}">' + "".join(
            f'<c t="inlineStr"><is><t>{x}</t></is></c>' if isinstance(x, str)
            else f"<c><v>{x}</v></c>" for x in row
        ) + "</row>" for i, row in enumerate(rows, 1)
    )  # fmt: skip
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    word = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relation = f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1"'
    file = place / "log.xlsx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Default '
            'Extension="xml" ContentType="application/xml"/><Override PartName='
            f'"/xl/workbook.xml" ContentType="{word}.sheet.main+xml"/><Override PartName='
            f'"/xl/worksheets/sheet1.xml" ContentType="{word}.worksheet+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'{relation} Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="log" sheetId="1" '
            'r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{relation} Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
        )
    return [file]


def standard_output() -> str:
    """What a Hugging Face trainer prints: a dict a log call, progress bars, warnings."""
    out = ["***** Running training *****", "  Num examples = 512", ""]
    for i, row in enumerate(rows_of({k: v for k, v in trl(ONE).items() if k != "step"})):
        out += [f" {i / 24:.0%}|##    | {10 * i}/240 [00:{i:02}<10:00,  2.5s/it]", repr(row)]
        if i == 11:
            out.append("UserWarning: {'not a log': this}")
    out.append("{'train_runtime': 61.2, 'train_loss': 0.01, 'epoch': 1.0}")
    return "\n".join(out) + "\n"


LINES = "".join(json.dumps(row) + "\n" for row in rows_of(own(ONE)))
NESTED = [
    {"global_step": step, "losses": {"kl": kl, "pg": 0.1}, "rewards": {
        "proxy_reward": proxy, "gold_reward": gold}}
    for step, kl, proxy, gold in zip(ONE.steps, ONE.kl, ONE.proxy, ONE.gold, strict=True)
]  # fmt: skip
COMMENTED = "# run: x\n" + table_text(own(ONE), "\t").replace(
    "\n120\t", "\n# restarted node\n120\t"
)
NUMBERS = "11 how numbers and tables are written"
# Only by the progress bars between the lines can a step be told: any numbering in order will do.
PRINTED = Run(
    None, None, (Kl(ONE.kl, APPROXIMATE),), ONE.proxy, (dict(enumerate(ONE.gold)),), rows=N
)  # fmt: skip
WRITTEN = (
    one("made/points in thousands, decimal commas", NUMBERS, text(
        "a.csv", table_text(many("step"), ";", german),
    ), THOUSANDS.run()),
    one("made/blanks in thousands", NUMBERS, text("b.csv", table_text(
        many("step"), ";", lambda x: f"{x:,}".replace(",", " ") if isinstance(x, int) else str(x),
    )), THOUSANDS.run()),
    one("made/narrow blanks in thousands", NUMBERS, text("c.csv", table_text(
        many("step"), "\t",
        lambda x: f"{x:,}".replace(",", "\u202f") if isinstance(x, int) else str(x),
    )), THOUSANDS.run()),
    one("made/apostrophes in thousands", NUMBERS, comma("d.csv", {
        **many("step"), "step": [f"{s:,}".replace(",", "'") for s in THOUSANDS.steps],
    }), THOUSANDS.run()),
    one("made/decimal commas in tabs", NUMBERS, text("e.tsv", table_text(
        own(ONE), "\t", lambda x: str(x).replace(".", ","),
    )), ONE.run()),
    one("made/decimal commas in quotes", NUMBERS, text("f.csv", quoted({
        key: [str(x).replace(".", ",") for x in values] for key, values in own(ONE).items()
    })), ONE.run()),
    one("made/percent after a blank", NUMBERS, comma("g.csv", percent("{} %")),
        only(OURS, golds=(RATES,))),
    one("made/percent with decimal commas", NUMBERS, text("h.csv", table_text(
        percent("{}%", ","), ";", lambda x: str(x).replace(".", ","),
    )), only(OURS, golds=(RATES,))),
    one("made/comments between rows", NUMBERS, text("i.tsv", COMMENTED), ONE.run()),
    one("made/sep=, before the heading", NUMBERS,
        text("j.csv", "sep=,\n" + table_text(own(ONE))), ONE.run()),
    one("made/sep in quotes, utf-16", NUMBERS,
        text("k.csv", '"sep=;"\n' + table_text(own(ONE), ";"), "utf-16"), ONE.run()),
    one("made/blank lines and carriage returns", NUMBERS, text(
        "l.csv", "\n\n" + table_text(own(ONE)).replace("\n", "\r\n") + "\r\n\r\n",
    ), ONE.run()),
    one("made/several blanks between columns", NUMBERS, text("m.txt", "\n".join(
        "".join(f"{x!s:>14}" for x in row)
        for row in [tuple(own(ONE)), *zip(*own(ONE).values(), strict=True)]
    ) + "\n"), ONE.run()),
    one("made/json lines in a .json", NUMBERS, text("n.json", LINES), ONE.run()),
    one("made/rows below a key", NUMBERS, as_json("o.json", {
        "config": {"beta": 0.1, "tags": ["a", "b"]}, "history": rows_of(own(ONE)),
    }), ONE.run()),
    one("made/rows two keys down", NUMBERS, as_json("p.json", {
        "run": {"name": "deep", "logs": {"steps": rows_of(own(ONE))}}, "version": 3,
    }), ONE.run()),
    one("made/columns in a json", NUMBERS, as_json("q.json", {
        key: list(values) for key, values in own(ONE).items()
    }), ONE.run()),
    one("made/nested lines", NUMBERS, json_lines("r.jsonl", NESTED), ONE.run()),
    one("made/nested trainer's lines", NUMBERS, json_lines("s.jsonl", [
        {"step": row.pop("step"), "train": row} for row in rows_of(trl(ONE))
    ]), only(Kl(ONE.kl, APPROXIMATE))),
    one("made/standard output", NUMBERS, text("train.log", standard_output()), PRINTED),
    one("made/standard output without progress", NUMBERS, text("run/slurm-77.out", "".join(
        line + "\n" for line in standard_output().splitlines() if line.startswith("{'")
    )), PRINTED),
    one("made/zst", NUMBERS, packed, ONE.run()),
    one("made/tar", NUMBERS, tarred, ONE.run("exp-3")),
    one("made/zip of two runs", NUMBERS, zipped, ONE.run("exp-1"), TWO.run("exp-2")),
    one("made/gz of lines", NUMBERS, raw("t.jsonl.gz", gzip.compress(LINES.encode())), ONE.run()),
    one("made/bz2 of a trainer's state", NUMBERS, raw("trainer_state.json.bz2", bz2.compress(
        json.dumps({"logging_steps": 10, "log_history": rows_of(trl(ONE))}).encode(),
    )), only(Kl(ONE.kl, APPROXIMATE))),
    one("made/xlsx", NUMBERS, workbook, ONE.run()),
    one("made/booleans as gold", NUMBERS, json_lines("u.jsonl", [
        {**row, "gold_reward": row["step"] <= 120} for row in rows_of(own(ONE))
    ]), only(OURS, golds=({step: float(step <= 120) for step in ONE.steps},))),
    one("made/True and False as gold", NUMBERS, comma("v.csv", {
        **own(ONE), "gold_reward": [str(step <= 120) for step in ONE.steps],
    }), only(OURS, golds=({step: float(step <= 120) for step in ONE.steps},))),
)  # fmt: skip

EXPORTED = {"kls": (Kl(ONE.kl, EXACT | UNKNOWN),)}
EXPORTED_TWO = {"kls": (Kl(TWO.kl, EXACT | UNKNOWN),)}
LOGGED = {"train/kl": "kl", "train/reward": "proxy", "train/gold_reward": "gold"}


def charts(*runs: tuple[str, object]) -> Make:
    """One chart a metric, as W&B's page exports them."""
    return together(*(
        text(f"wandb_export_{i}.csv", quoted({"Step": ONE.steps} | {
            column: values for name, curve in runs
            for column, values in chart(name, key, getattr(curve, field)).items()
        })) for i, (key, field) in enumerate(LOGGED.items())
    ))  # fmt: skip


def long(
    names: tuple[str, str, str, str], *, steps_first: bool = False, prefix: str = ""
) -> Columns:
    """A long table: run, key, step, value."""
    rows = [
        (name, prefix + key, step, value)
        for name, curve in (("a", ONE), ("b", TWO)) for key, field in LOGGED.items()
        for step, value in zip(ONE.steps, getattr(curve, field), strict=True)
    ]  # fmt: skip
    if steps_first:
        rows.sort(key=lambda row: row[2])
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def downloads(*runs: tuple[str, object]) -> Make:
    """TensorBoard's downloads of single charts."""
    return together(*(
        comma(f"run-{name}-tag-{key.replace('/', '_')}.csv", {
            "Wall time": [1.79e9 + s for s in ONE.steps], "Step": ONE.steps,
            "Value": getattr(curve, field),
        }) for name, curve in runs for key, field in LOGGED.items()
    ))  # fmt: skip


PAIR = (ONE.run("a", **EXPORTED), TWO.run("b", **EXPORTED_TWO))
EXPORTS = "11 exports of trackers"
EXPORTED_BY_TRACKERS = (
    one("made/charts of two runs", EXPORTS, charts(("a", ONE), ("b", TWO)), *PAIR),
    one("made/a chart of a run with dashes", EXPORTS, charts(("lr 1e-5 - beta .1", ONE)),
        ONE.run("lr 1e-5 - beta .1", **EXPORTED)),
    one("made/a chart of a trainer's run", EXPORTS, together(*(
        text(f"c{i}.csv", quoted({"train/global_step": ONE.steps, **chart("a", key, values)}))
        for i, (key, values) in enumerate(trl(ONE, "train/").items())
        if key.partition("/")[2] in ("kl", "reward", "completions/mean_length", "num_tokens",
                                     "rewards/rm/mean", "rewards/gold/mean")
    )), ONE.run("a", APPROXIMATE)),
    one("made/tensorboard downloads of two runs", EXPORTS, downloads(("a", ONE), ("b", TWO)),
        *PAIR),
    one("made/tensorboard downloads of folders", EXPORTS, downloads(("exp_a", ONE)),
        ONE.run("exp_a", **EXPORTED)),
    one("made/long table by run_name and metric", EXPORTS,
        comma("l.csv", long(("run_name", "metric", "step", "value"))), *PAIR),
    one("made/long table by steps", EXPORTS,
        json_lines("l.jsonl", rows_of(long(("run", "tag", "step", "value"), steps_first=True))),
        *PAIR),
    one("made/long table in capitals", EXPORTS,
        comma("l.csv", long(("Run", "Key", "Step", "Value"))), *PAIR),
    one("made/long table of one run", EXPORTS, comma("only.csv", {
        key: values[: 3 * N] for key, values in long(("run", "key", "step", "value")).items()
        if key != "run"
    }), ONE.run(None, **EXPORTED)),
)  # fmt: skip

ANSWERS = {
    "prompt": [f"q{i}" for i in range(6)], "model_answer": ["x"] * 6,
    "is_correct": [True, False] * 3,
}  # fmt: skip
REFUSALS = (
    one("made/answers under other names", "12 refusals", comma("answers.csv", ANSWERS),
        refused=True, says=(r"question_id", r"grade"), never=(r"--proxy",)),
    one("made/answers without a grade", "12 refusals", json_lines("a.jsonl", [
        {"question": f"q{i}", "answer": "x", "reference": "y"} for i in range(6)
    ]), refused=True, says=(r"question_id", r"grade"), never=(r"--proxy",)),
    one("made/no cell can be read", "12 refusals", comma("b.csv", {
        "step": ONE.steps, "kl": ["n/d"] * N, "proxy_reward": ["?"] * N, "gold_reward": ["?"] * N,
    }), refused=True, says=(r"b\.csv",)),
    one("made/a trainer's file without numbers", "12 refusals", json_lines("c/metrics.jsonl", [
        {"step": step, "kl": "-", "reward": None} for step in ONE.steps
    ]), refused=True, says=(r"metrics\.jsonl",)),
    one("made/a folder of unread tables", "12 refusals", together(
        comma("d/one.csv", {"x": [1, 2], "height": [3, 4]}),
        comma("d/two.csv", {"y": [1, 2], "weight": [3, 4]}),
    ), refused=True, says=(r"one\.csv.*height", r"two\.csv.*weight")),
    one("made/a folder of unread lines", "12 refusals", together(
        json_lines("e/a.jsonl", [{"latency": 3, "host": "h"}]),
        comma("e/b.csv", {"lr": [1, 2], "width": [3, 4]}),
    ), refused=True, says=(r"a\.jsonl.*latency", r"b\.csv.*width")),
)  # fmt: skip

MADE_TABLES: tuple[Input, ...] = (*NAMES, *WRITTEN, *EXPORTED_BY_TRACKERS, *REFUSALS)
"""Made inputs of points 10 to 12."""

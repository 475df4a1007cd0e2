"""docs/gate.md: its workflow can run, its commands exist, its figures are the measured ones."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from analytics.__main__ import _parser as analytics_parser
from analytics.gate.rules.limits import BLOCKS
from analytics.measured.published import published
from analytics.quality.gate_years import KINDS, year
from analytics.wording import fixed, number, whole
from data.__main__ import _parser as data_parser

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "gate.md").read_text()
WORKFLOW = yaml.safe_load(re.search(r"```yaml\n(.*?)```", TEXT, re.S)[1])
STEPS = WORKFLOW["jobs"]["gate"]["steps"]
PARSERS = {"data": data_parser, "analytics": analytics_parser}


def commands(text: str) -> list[list[str]]:
    """Every `python -m data|analytics …` of a text, as words."""
    found = re.findall(r"python -m ((?:data|analytics) [^\n`|>#]*)", text)
    return [shlex.split(one) for one in found]


def parsed(words: list[str]):
    arguments = [word.replace("$ITERATION", "3") for word in words]
    return PARSERS[arguments[0]]().parse_args(arguments[1:])


def test_the_workflow_is_one() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert set(WORKFLOW) == {"name", True, "jobs"}
    inputs = WORKFLOW[True]["workflow_dispatch"]["inputs"]
    assert set(inputs) == {"loop", "iteration"} and inputs["iteration"]["type"] == "number"
    job = WORKFLOW["jobs"]["gate"]
    assert job["runs-on"] and all(("run" in step) != ("uses" in step) for step in STEPS)
    assert [s["uses"].split("@")[0] for s in STEPS if "uses" in s] == [
        "actions/checkout", "actions/setup-python",
    ]  # fmt: skip
    # Nothing that somebody typed is put into a shell's text: it goes by the environment.
    runs = "\n".join(step.get("run", "") for step in STEPS)
    assert "${{" not in runs
    used = set(re.findall(r"\$([A-Z_]+)", runs)) - {"GITHUB_STEP_SUMMARY"}
    assert used <= set(job["env"])


def test_the_commands_of_the_workflow_exist() -> None:
    asked = [words for step in STEPS for words in commands(step.get("run", ""))]
    assert [words[:2] for words in asked] == [["data", "import"], ["analytics", "gate"]]
    parsed_commands = [parsed(words) for words in asked]
    assert (
        parsed_commands[1].loop
        and parsed_commands[1].iteration == 3
        and parsed_commands[1].submitter
        and parsed_commands[1].markdown
    )
    pip = next(step["run"] for step in STEPS if step.get("run", "").startswith("pip"))
    assert (ROOT / pip.split()[-1]).is_file()


def test_the_file_that_the_workflow_shows_is_the_one_that_is_written() -> None:
    judge, show = (next(s for s in STEPS if s.get("name") == name) for name in ("Judge", "Show"))
    assert "--markdown gate.md" in judge["run"] and show["run"].startswith("cat gate.md ")
    assert show["if"] == "always()"


@pytest.mark.parametrize("words", commands(TEXT), ids=" ".join)
def test_every_command_of_the_document_exists(words: list[str]) -> None:
    parsed([word for word in words if not word.startswith("[")])


def test_every_option_of_the_document_exists() -> None:
    known = {
        option
        for make in PARSERS.values()
        for action in make()._actions if action.choices
        for parser in action.choices.values() for one in parser._actions
        for option in one.option_strings
    }  # fmt: skip
    quality = (ROOT / "analytics" / "quality" / "__main__.py").read_text()
    known |= set(re.findall(r'add_argument\("(--[a-z]+)"', quality))
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) <= known


def test_every_block_is_described() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| [^|]+ \| [^|]+ \|$", TEXT, re.M)
    assert [row.replace(" ", "_") for row in rows if row.replace(" ", "_") in BLOCKS] == list(
        BLOCKS
    )


def test_the_word_that_is_never_said() -> None:
    assert not re.search(r"(?i)\bsafe(ly|ty|r)?\b", TEXT)


MEASURED = published("gate")
ROWS = {(row["block"], row["harm"], row["retraining"]): row
        for row in MEASURED["rows"] if "block" in row}  # fmt: skip


def tables(rows: Sequence[dict[str, Any]]) -> str:
    """The kept figures as the two tables of docs/gate.md."""
    lines = [
        "| block | harm, of the limit | retraining | years with a FAIL | years with a PASS | of a "
        "checkpoint beyond its limit | looks NOT SHOWN |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if "block" in row:
            cells = (row[key] for key in ("fail", "pass", "own_pass", "not_shown"))
            lines.append(
                f"| {row['block'].replace('_', ' ')} | {number(row['harm'])} | "
                f"{number(row['retraining'])} | "
                + " | ".join(fixed(cell, 3) for cell in cells) + " |"
            )  # fmt: skip
    lines += ["", "| confident wrong answers | questions | look | PASS | FAIL by then |",
             "|---|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| {row['what']} | {whole(row['questions'])} | {row['look']} | "
        f"{fixed(row['passed'], 3)} | {fixed(row['failed_by'], 3)} |"
        for row in rows if "what" in row and row["look"] in (1, 2, 3, 4, 6)
    ]  # fmt: skip
    return "\n".join(lines)


def test_the_figures_are_those_that_were_measured() -> None:
    assert tables(MEASURED["rows"]) in TEXT, f"put there:\n{tables(MEASURED['rows'])}"
    assert MEASURED["runs_per_class"] >= 200
    assert {block for block, _, _ in ROWS} | {"provenance"} == set(BLOCKS)


@pytest.mark.parametrize("key", ROWS, ids=str)
def test_no_year_errs_oftener_than_the_policy_says(key) -> None:
    """5 % of years, and two standard errors of 200 of them; what a checkpoint's own harm is, the
    effect of its training included, always holds."""
    _, harm, retraining = key
    row = ROWS[key]
    most = 0.05 + 2 * (0.05 * 0.95 / row["years"]) ** 0.5
    assert row["own_pass"] <= most and row["own_fail"] <= most
    if harm == 0:
        assert row["fail"] <= most
    elif retraining <= 0.1:  # as the policy says
        assert row["pass"] <= most
        assert harm > 1 or row["fail"] <= most


def test_a_slow_drift_is_blocked_by_the_third_look_and_a_jump_fails() -> None:
    drift = [row for row in MEASURED["rows"] if "what" in row]
    slow = [row for row in drift if row["what"].startswith(".9") and row["look"] >= 3]
    assert slow and all(row["passed"] <= 0.05 for row in slow)
    jump = [row for row in drift if row["what"].startswith("3 points") and row["look"] == 1]
    assert all(row["failed_by"] > 0.9 for row in jump if row["questions"] >= 3000)


def test_a_smaller_sample_with_the_code_that_is_here_now() -> None:
    """A hundred years, twenty a block: 5 % at the limit are 5; 11 come by chance once in 100."""
    count = {(harm, key): 0.0 for harm in (0.0, 1.0) for key in ("pass", "fail")}
    for kind in KINDS:
        for harm in (0.0, 1.0):
            random = np.random.default_rng(8)
            for _ in range(20):
                one = year(kind, random, harm, 0.1)
                for key in ("pass", "fail"):
                    count[harm, key] += one[key]
    assert count[0.0, "fail"] == 0 and count[0.0, "pass"] > 80
    assert count[1.0, "pass"] < 11 and count[1.0, "fail"] < 11

"""The documentation names what there is, and nothing else."""

import argparse
import re
import tomllib
from pathlib import Path

import pytest

from analytics.__main__ import _parser as analytics_parser
from data.__main__ import _parser as data_parser
from data.readers.kl.kl_table import PER_RESPONSE, PER_TOKEN
from data.readers.runs.formats import READERS, readme_table
from data.readers.trainers.known import KL_TABLE, NOT_POLICY

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next(
        action.choices
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )


@pytest.mark.parametrize(
    ("module", "parser"), [("data", data_parser), ("analytics", analytics_parser)]
)
def test_every_command_is_in_the_readme(module: str, parser) -> None:
    there = set(commands(parser()))
    told = set(re.findall(rf"python -m {module} ([a-z][a-z-]*)", README))
    assert told == there


def test_every_setting_is_in_the_table_of_the_readme() -> None:
    rooms = [ROOT / "app.py", *(file for room in ("data", "analytics", "pages")
                                for file in (ROOT / room).rglob("*.py"))]  # fmt: skip
    asked = set(re.findall(r"OVEROPT_[A-Z_]+", " ".join(file.read_text() for file in rooms)))
    assert set(re.findall(r"^\| `(OVEROPT_[A-Z_]+)` \|", README, re.M)) == asked


def test_every_option_that_the_readme_names_exists() -> None:
    known = {
        option
        for parser in (data_parser, analytics_parser)
        for command in commands(parser()).values()
        for action in command._actions
        for option in action.option_strings
    }
    table = README[README.index("python -m data import") : README.index("## For a team")]
    assert set(re.findall(r"--[a-z][a-z-]+", table)) <= known


def test_the_table_of_formats_is_that_of_the_readers() -> None:
    table = readme_table()
    assert table in README, f"README's table of formats is not the readers'; put there:\n{table}"


CELLS = {
    row[0]: row[2]
    for row in re.findall(r"^\| `([a-z]+)`: ([^|]*)\|[^|]*\|([^|]*)\|$", README, re.M)
}
"""What the README says of each format's KL."""
TRAINERS = {
    "trl": [
        "grpo",
        "rloo",
        "grpo_or_rloo",
        "grpo_0_15",
        "online_dpo",
        "ppo",
        "rloo_v1",
        "ppo_0_11",
    ],
    "verl": ["verl"],
    "openrlhf": ["openrlhf"],
}
"""The dialects that a format's own logs are in."""


def test_kl_of_each_format_in_the_readme_is_that_of_the_table() -> None:
    assert {d for dialects in TRAINERS.values() for d in dialects} <= {e.dialect for e in KL_TABLE}
    words = {"per token", "per response", "exact", "approximate", "unreliable", "unknown"}
    assert set(CELLS) == {reader.format for reader in READERS}
    for name, cell in CELLS.items():
        if name in TRAINERS:
            entries = [entry for entry in KL_TABLE if entry.dialect in TRAINERS[name]]
            known = {PER_TOKEN: "per token", PER_RESPONSE: "per response", None: "unknown"}
            held = {known[entry.unit] for entry in entries} | {e.conversion for e in entries}
            assert {word for word in words if word in cell} == held, name
        elif name in ("tensorboard", "wandb", "trackio", "mlflow"):
            assert cell.strip() == "by the trainer that wrote them"
    table = README[README.index("| format |") : README.index("### Pools")]
    for key in ("ppo_kl", "approxkl"):
        assert f"`{key}`" in table and any(key in entry.key for entry in NOT_POLICY)


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_architecture_table_names_every_room() -> None:
    table = README[README.index("## Architecture") :]
    for room in ("app.py", "pages/", "data/", "analytics/", "tests/"):
        assert f"`{room}`" in table


def test_requirements_are_bounded_and_say_what_for() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith("-r"):
                assert re.fullmatch(r"[a-z0-9-]+>=[\d.]+,<[\d.]+\s+# \S+( \S+){1,3}", line), line


def test_theme_follows_the_readers_system() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert {"light", "dark"} <= set(config["theme"])

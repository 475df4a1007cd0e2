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
    named = set(re.findall(rf"python -m {module} ([a-z][a-z-]*)", README))
    assert named == there


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
            known_kinds = {known[entry.unit] for entry in entries} | {e.conversion for e in entries}
            assert {word for word in words if word in cell} == known_kinds, name
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


NOT_HERE = {"data/local", "data.exporting"}
"""The store of a user, and an address that the changelog gives as an old one."""
AN_ADDRESS = re.compile(
    r"(?<![\w./<~-])(?:app\.py|(?:data|analytics|pages|tests|bench|docs)(?:/[\w./-]*|(?:\.[A-Za-z_]\w*)+))"
)


def addresses(text: str) -> set[str]:
    """Files, folders and modules of ours that a document names."""
    made = set(re.findall(r"New file `([^`]+)`", text))  # by the recipes
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    named = [code for code in re.findall(r"`([^`\n]+)`", prose) if "*" not in code]
    found = {one.rstrip("/.") for code in named for one in AN_ADDRESS.findall(code)}
    return found - made - NOT_HERE


def is_there(address: str) -> bool:
    """Whether a file, a folder, a module, or something that a module defines, is there."""
    if (ROOT / address).exists():
        return True
    parts = address.split(".")
    for many in range(len(parts) if "/" not in address else 0, 0, -1):
        place = ROOT.joinpath(*parts[:many])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.exists():
            left = parts[many:]
            return not left or re.search(rf"\b{left[0]}\b", file.read_text()) is not None
    return False


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md",
             *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))],
)  # fmt: skip
def test_every_module_that_a_document_names_is_there(page: str) -> None:
    gone = [one for one in addresses((ROOT / page).read_text()) if not is_there(one)]
    assert gone == []


def test_a_module_that_is_gone_is_found() -> None:
    text = "see `data/declared.py`, `data.nothing.here`, `analytics.kl.nats`, `data.runs_df()`"
    assert sorted(one for one in addresses(text) if not is_there(one)) == [
        "data.nothing.here", "data/declared.py",
    ]  # fmt: skip


def test_every_page_of_the_menu_is_in_the_readme() -> None:
    menu = (ROOT / "pages/shared/menu.py").read_text()
    titles = set(re.findall(r'title="([^"]+)"', menu)) - {"Style"}  # for those who build pages
    assert len(titles) > 15 and {title for title in titles if title not in README} == set()

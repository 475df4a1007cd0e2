"""The checkout itself: requirements, make, lint, types, theme, license."""

import ast
import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REQUIREMENT = re.compile(r"(?P<name>[\w-]+)>=(?P<floor>[\d.]+),<(?P<ceiling>[\d.]+) +# (?P<why>.+)")


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=560)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join
)
def test_lint_and_types(root: Path, command: list[str]) -> None:
    done = run(root, sys.executable, "-m", *command)
    assert done.returncode == 0, done.stdout + done.stderr


def requirements(root: Path, file: str) -> list[re.Match[str]]:
    lines = [line for line in (root / file).read_text().splitlines() if line[:2] != "-r"]
    found = [REQUIREMENT.fullmatch(line) for line in lines]
    assert all(found), f"{file}: name>=floor,<ceiling  # what it is for"
    return [one for one in found if one]


def numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_hold_here_and_say_what_they_are_for(root: Path, file: str) -> None:
    for one in requirements(root, file):
        installed = numbers(version(one["name"]))
        assert numbers(one["floor"]) <= installed < numbers(one["ceiling"]), one["name"]
        assert len(one["why"].split()) == 3, one.string


def plain(names: Iterable[str]) -> set[str]:
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def with_dependencies(names: set[str]) -> set[str]:
    """The named distributions and all that they need, without extras."""
    seen: set[str] = set()
    waiting = plain(names)
    while waiting:
        seen.add(name := waiting.pop())
        try:
            needs = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:  # for another system
            continue
        wanted = {need.name for need in needs if not need.marker or need.marker.evaluate()}
        waiting |= plain(wanted) - seen
    return seen


def test_the_product_imports_nothing_that_only_developers_have(root: Path) -> None:
    brought = with_dependencies({one["name"] for one in requirements(root, "requirements.txt")})
    known = {name for name, homes in packages_distributions().items() if brought & plain(homes)}
    known |= set(sys.stdlib_module_names) | {"app", "pages", "data", "analytics"}
    files = [root / "app.py"] if (root / "app.py").exists() else []
    for room in ("pages", "data", "analytics"):
        files += (root / room).rglob("*.py")
    foreign = []
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        optional = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.Try)
            and "ImportError" in ast.dump(ast.Module(node.handlers, []))
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            foreign += [
                f"{file.relative_to(root)}:{node.lineno} {name}"
                for name in names
                if name.split(".")[0] not in known and id(node) not in optional
            ]
    assert foreign == []


def test_make_says_what_it_would_do(root: Path) -> None:
    for target in (
        "setup",
        "run",
        "test",
        "test-long",
        "bench",
        "lint",
        "audit",
        "resolve",
        "clean",
    ):
        assert run(root, "make", "-n", target).returncode == 0
    assert "--server.port 8642" in run(root, "make", "-n", "run", "PORT=8642").stdout


def test_make_names_what_is_missing(root: Path, tmp_path: Path) -> None:
    done = run(root, "make", "setup", f"VENV={tmp_path / 'venv'}", "PYTHON=no-such-python")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_an_old_python_is_refused(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # what python 3.10 answers to the question
    old.chmod(0o755)
    done = run(root, "make", "setup", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr


def test_settings_name_no_folder_of_this_machine_and_no_package(root: Path) -> None:
    for file in ("Makefile", ".ci/run", "pyproject.toml", ".streamlit/config.toml"):
        assert str(root) not in (root / file).read_text()
    assert "project" not in tomllib.loads((root / "pyproject.toml").read_text())


def test_license_is_the_unmodified_apache_license(root: Path) -> None:
    apache = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert hashlib.sha256((root / "LICENSE").read_bytes()).hexdigest() == apache


@pytest.fixture
def config(root: Path) -> dict:
    return tomllib.loads((root / ".streamlit" / "config.toml").read_text())


def test_streamlit_knows_every_option(config: dict) -> None:
    from streamlit import config as streamlit_config

    known = set(streamlit_config.get_config_options())
    for section, options in config.items():
        for name, value in options.items():
            keys = [f"{section}.{name}.{key}" for key in value] if isinstance(value, dict) else []
            for key in keys or [f"{section}.{name}"]:
                assert key in known


def test_a_look_for_news_does_not_hold_the_others_up(config: dict) -> None:
    """A full collection after each look (a page takes one a second) stops all threads."""
    assert config["runner"]["postScriptGC"] is False


def rgb(colour: str) -> list[float]:
    return [int(colour[i:j], 16) / 255 for i, j in pairwise((1, 3, 5, 7))]


def contrast(one: list[float], other: list[float]) -> float:
    """The contrast ratio of WCAG 2, 1 to 21."""

    def luminance(colour: list[float]) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: list[float], other: list[float], share: float) -> list[float]:
    """One colour laid over another, this strong."""
    return [share * c + (1 - share) * p for c, p in zip(one, other, strict=True)]


@pytest.mark.parametrize(("side", "tint"), [("light", 0.1), ("dark", 0.2)])
def test_text_can_be_read(config: dict, side: str, tint: float) -> None:
    theme = config["theme"][side]
    page, panel = rgb(theme["backgroundColor"]), rgb(theme["secondaryBackgroundColor"])
    for name in ("textColor", "linkColor", "primaryColor"):
        assert contrast(rgb(theme[name]), page) >= 4.5, name
        assert contrast(rgb(theme[name]), panel) >= 4.5, name
    for background in (page, panel):  # Streamlit writes captions in six tenths of the text's colour
        caption = mixed(rgb(theme["textColor"]), background, 0.6)
        assert contrast(caption, background) >= 4.5, "caption"
    chosen = mixed(rgb(theme["primaryColor"]), page, 0.1)  # behind the chosen one of several
    assert contrast(rgb(theme["primaryColor"]), chosen) >= 4.5, "chosen"
    for hue in ("red", "orange", "yellow", "blue", "green", "violet", "gray"):
        colour = rgb(theme[f"{hue}Color"])
        # Streamlit's own background of st.error and its kin: the colour, this strong.
        behind = mixed(colour, page, tint)
        for background in (page, panel, behind):
            assert contrast(rgb(theme[f"{hue}TextColor"]), background) >= 4.5, hue


@pytest.mark.parametrize(("side", "least"), [("light", 1.9), ("dark", 4.5)])
def test_chart_colours_can_be_seen(config: dict, side: str, least: float) -> None:
    theme = config["theme"][side]
    for colour in theme["chartCategoricalColors"]:
        assert contrast(rgb(colour), rgb(theme["backgroundColor"])) >= least, colour

"""The recipes of CONTRIBUTING.md, followed to the letter in a copy of the tree."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = r"\n\n```(?:python|text)\n(?P<text>.*?)```$"
NEW = re.compile(r"^New file `(?P<file>[^`]+)`:" + BLOCK, re.M | re.S)
BESIDE = re.compile(
    r"^In `(?P<file>[^`]+)`, (?P<where>before|after) `(?P<line>[^`]+)`:" + BLOCK, re.M | re.S
)
BECOMES = re.compile(r"^In `(?P<file>[^`]+)`, `(?P<old>[^`]+)` becomes\s`(?P<new>[^`]+)`\.$", re.M)


def copied(tree: Path) -> Path:
    """A copy of the program's own files without its examples, compiled as far as they are here."""
    left_out = shutil.ignore_patterns("local", "examples")
    for name in ("data", "analytics", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, tree / name, ignore=left_out)
    (tree / "data/examples").mkdir()
    shutil.copyfile(ROOT / "app.py", tree / "app.py")
    return tree


def follow(tree: Path, title: str) -> set[str]:
    """Do what the recipe of this title says; the files that it touched."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = f"{text}\n## ".split(f"\n## {title}\n")[1].split("\n## ")[0]
    touched = set(_steps(tree, recipe))
    assert touched, f"the recipe {title!r} says nothing to do"
    return touched


def _steps(tree: Path, recipe: str) -> Iterator[str]:
    for step in NEW.finditer(recipe):
        file = tree / step["file"]
        assert not file.exists(), f"{step['file']} is there already"
        file.write_text(step["text"], encoding="utf-8")
        yield step["file"]
    for step in BESIDE.finditer(recipe):
        before = f"{step['text']}{step['line']}", f"{step['line']}\n{step['text'].rstrip()}"
        _replaced(tree / step["file"], step["line"], before[step["where"] == "after"])
        yield step["file"]
    for step in BECOMES.finditer(recipe):
        _replaced(tree / step["file"], step["old"], step["new"])
        yield step["file"]


def _replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} places {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")

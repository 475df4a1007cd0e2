"""The cells of README and docs/notebook.md, run as they stand; nothing is left without a door."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CELL = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
STATED = re.compile(r"  # -> (.*)$")

RUNNER = """
import json, sys

space, seen = {"__name__": "__main__"}, []
for part in json.loads(sys.stdin.read()):
    if part["told"] is None:
        exec(compile(part["code"], part["where"], "exec"), space)
    else:
        made = repr(eval(compile(part["code"], part["where"], "eval"), space))
        seen.append([part["where"], part["code"], made, part["told"]])
print(json.dumps(seen))
"""


def statements(cell: str, where: str) -> Iterator[dict[str, str | None]]:
    """The statements of a cell, each with the value that the page tells of it."""
    lines = cell.splitlines()
    for node in ast.parse(cell).body:
        comment = STATED.search(lines[node.end_lineno - 1]) if isinstance(node, ast.Expr) else None
        code = ast.unparse(node.value if comment else node)
        yield {"code": code, "told": comment[1] if comment else None, "where": where}


def run_cells(name: str, cells: list[str]) -> list[tuple[str, str, str, str]]:
    """Run cells in order in one fresh process in the checkout; what each told value came out as."""
    sent = [one for i, cell in enumerate(cells, 1) for one in statements(cell, f"{name}, cell {i}")]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER], input=json.dumps(sent), cwd=ROOT, capture_output=True,
        text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [tuple(one) for one in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.slow
def test_cells_of_the_notebook_page_run_and_say_what_they_tell() -> None:
    cells = CELL.findall((ROOT / "docs" / "notebook.md").read_text())
    assert len(cells) >= 10
    wrong = [one for one in run_cells("docs/notebook.md", cells) if one[2] != one[3]]
    assert wrong == []


def test_the_readmes_own_cell_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme[readme.index("## In a notebook") :]
    cells = CELL.findall(section[: section.index("\n## ", 3)])
    assert len(cells) == 1
    seen = run_cells("README.md", cells)
    assert seen and all(made == stated for _, _, made, stated in seen)


def test_a_cell_that_tells_a_wrong_value_is_found() -> None:
    ((_, code, made, stated),) = run_cells("a page", ["x = 1\nx + 1  # -> 3\n"])
    assert (code, made, stated) == ("x + 1", "2", "3")


PRODUCT = [
    file
    for room in ("analytics", "pages", "data", "bench")
    for file in (ROOT / room).rglob("*.py")
    if "data/local" not in file.as_posix()
]


def module(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def used(tree: ast.Module) -> set[tuple[str, str]]:
    """(module, name) of all that a file takes from elsewhere."""
    found, known = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found.add((node.module, alias.name))
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            known |= {alias.asname or alias.name: alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add((known.get(node.value.id, ""), node.attr))
    return found


@cache
def idle() -> set[tuple[str, str]]:
    """(module, name) of public functions of analytics that no line of the product calls."""
    found = set()
    trees = {file: ast.parse(file.read_text()) for file in PRODUCT}
    takers: dict[tuple[str, str], list[Path]] = {}
    for file, tree in trees.items():
        for one in used(tree):
            takers.setdefault(one, []).append(file)
    names = {
        file: {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for file, tree in trees.items()
    }
    for file in PRODUCT:
        if not module(file).startswith("analytics"):
            continue
        homes = {module(file), module(file).rpartition(".")[0]}
        for node in trees[file].body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            handed_on = file.parent / "__init__.py"  # a package that only re-exports calls nothing
            callers = (
                other
                for home in homes
                for other in takers.get((home, node.name), ())
                if other != file and (other != handed_on or node.name in names[other])
            )
            if node.name not in names[file] and not any(callers):
                found.add((module(file), node.name))
    return found


def test_a_statistic_that_no_page_calls_has_a_cell() -> None:
    page = "\n".join(CELL.findall((ROOT / "docs" / "notebook.md").read_text()))
    shown = used(ast.parse(page))
    without = [
        f"{home}.{name}"
        for home, name in sorted(idle())
        if not {(home, name), (home.rpartition(".")[0], name)} & shown
    ]
    assert without == []


def test_idle_functions_are_found() -> None:
    assert ("analytics.knowledge", "slick") in idle()
    assert ("analytics.hallucination.counts", "count") not in idle()

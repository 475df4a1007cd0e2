"""``python -m bench.house [--at FOLDER] [--write]``: the house in figures, and its plan.

Counts what a stranger meets: files and arrows a room, rooms that know each other, how long
functions are, calls with many positional arguments, rows that no type checker sees. ``--at`` counts
another checkout, so that before and after come from one script; ``--write`` draws the plan anew
into docs/architecture.md (tests/test_house.py holds it current).
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from bench.marked import rewritten

ROOT = Path(__file__).parents[1]
SOURCES = ("app.py", "pages", "data", "analytics")
NOT_SOURCE = ("data/local", "data/examples")
PLAN = "docs/architecture.md"
HOUSES = {
    "The whole": "",
    "Data": "data",
    "Readers": "data/readers",
    "Analytics": "analytics",
    "Onset": "analytics/onset",
    "Gate": "analytics/gate",
    "Figures": "analytics/figures",
    "Shared by pages": "pages/shared",
}
"""Title of a drawing, and the folder whose rooms it shows (empty: the house itself)."""
APART = ("analytics/figures/drawing", "analytics/figures/rewards")
"""Rooms within a room with a floor of their own, below the rest of it: a verdict draws itself."""
MANY = 8
"""Positional arguments that are too many to be read at a call."""


@dataclass
class House:
    """What was counted: modules by dotted name, and whom each imports."""

    files: dict[str, Path] = field(default_factory=dict)
    arrows: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    lengths: list[int] = field(default_factory=list)
    crowded: list[str] = field(default_factory=list)
    untyped: Counter[str] = field(default_factory=Counter)

    def room(self, module: str) -> str:
        """The folder of a module."""
        return self.files[module].parent.as_posix()


def counted(root: Path = ROOT) -> House:
    """Read every source file below a checkout.

    Raises:
        SyntaxError: a file is not Python.
    """
    house = House()
    trees: dict[str, ast.Module] = {}
    for file in _sources(root):
        place = file.relative_to(root)
        parts = place.with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = file.read_text(encoding="utf-8")
        house.files[name], trees[name] = place, ast.parse(text, filename=str(place))
        house.untyped[place.parts[0]] += len(re.findall(r"dict\[str, Any\]", text))
    defined = {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    for name, tree in trees.items():
        house.arrows[name] = set(_imported(name, tree, house.files)) - {name}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                house.lengths.append((node.end_lineno or node.lineno) - node.lineno + 1)
            if isinstance(node, ast.Call) and len(node.args) >= MANY and _is_ours(node, defined):
                house.crowded.append(f"{house.files[name]}:{node.lineno}")
    return house


def _is_ours(call: ast.Call, defined: set[str]) -> bool:
    """Whether a call names what the house defines: columns of a frame's ``select`` are a list."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    return name in defined and not any(isinstance(one, ast.Starred) for one in call.args)


def _sources(root: Path) -> Iterator[Path]:
    for source in SOURCES:
        place = root / source
        for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
            if not file.relative_to(root).as_posix().startswith(NOT_SOURCE):
                yield file


def _imported(name: str, tree: ast.Module, known: Mapping[str, Path]) -> Iterator[str]:
    package = name if known[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*(above if node.level else ()), *filter(None, [node.module])])
            for alias in node.names:
                within = f"{module}.{alias.name}"
                if within in known:
                    yield within
                elif module in known:
                    yield module


def rooms(house: House, below: str = "") -> dict[str, str]:
    """The room of each module that is drawn.

    below: the folder whose rooms are meant; a module that lies loose there is a room of its own,
    the folder's ``__init__`` is its door, in no room, and a room APART is drawn by itself. Empty:
    data, analytics, and the folders of pages.
    """
    found: dict[str, str] = {}
    for module in house.files:
        folder = house.room(module)
        if below and folder.startswith(f"{below}/"):
            within = folder.removeprefix(f"{below}/")
            found[module] = within if folder in APART else within.split("/")[0]
        elif below and folder == below and house.files[module].name != "__init__.py":
            found[module] = house.files[module].name
        elif not below:
            depth = 2 if folder.startswith("pages/") else 1
            found[module] = "app.py" if folder == "." else "/".join(folder.split("/")[:depth])
    return found


def between(house: House, below: str = "") -> dict[str, Counter[str]]:
    """How many imports lead from each room to each other one."""
    named = rooms(house, below)
    found: dict[str, Counter[str]] = {room: Counter() for room in named.values()}
    for module, mine in named.items():
        found[mine].update(
            named[other] for other in house.arrows[module] if named.get(other) not in (None, mine)
        )
    return found


def mutual(arrows: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """Pairs of rooms that reach each other, in the order of their names.

    >>> mutual({"a": ["b"], "b": ["c"], "c": ["b"]})
    [('b', 'c')]
    """
    reach = {room: _reached(room, arrows) for room in arrows}
    return sorted((a, b) for a in reach for b in reach if a < b and b in reach[a] and a in reach[b])


def _reached(room: str, arrows: Mapping[str, Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(arrows.get(room, ()))
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += arrows.get(one, ())
    return seen


def plan(house: House, below: str = "") -> str:
    """Mermaid's drawing of the rooms; an arrow that follows from two others is left out."""
    arrows = between(house, below)
    sizes = Counter(rooms(house, below).values())
    reach = {room: _reached(room, arrows) for room in arrows}
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'  {_id(room)}["{room} ({sizes[room]})"]' for room in sorted(arrows)]
    for room in sorted(arrows):
        for other in sorted(arrows[room]):
            # Rooms that know each other keep their arrows: there nothing follows.
            through = [one for one in arrows[room] if one != other and room not in reach[one]]
            if not any(other in reach[one] and one not in reach[other] for one in through):
                lines.append(f"  {_id(room)} --> {_id(other)}")
    return "\n".join([*lines, "```"])


def _id(room: str) -> str:
    return re.sub(r"\W", "_", room)


def written(text: str, house: House) -> str:
    """The document with each drawing made anew (``rewritten``)."""
    return rewritten(
        text, "plan", {title: partial(plan, house, below) for title, below in HOUSES.items()}
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.house", description=__doc__)
    parser.add_argument("--at", type=Path, default=ROOT, help="another checkout")
    parser.add_argument("--write", action="store_true", help=f"draw {PLAN} anew")
    options = parser.parse_args()
    house = counted(options.at)
    if options.write:
        place = options.at / PLAN
        place.write_text(written(place.read_text(encoding="utf-8"), house), encoding="utf-8")
    table = Table("room", "files", "arrows within", "arrows out", title="Rooms of many files first")
    sizes = Counter(house.room(module) for module in house.files)
    for room, files in sizes.most_common():
        mine = [module for module in house.files if house.room(module) == room]
        ends = [house.room(other) == room for module in mine for other in house.arrows[module]]
        table.add_row(room, str(files), str(sum(ends)), str(len(ends) - sum(ends)))
    console = Console()
    console.print(table)
    for title, below in HOUSES.items():
        pairs = mutual(between(house, below))
        summary = f"{len(between(house, below))} rooms, {len(pairs)} pairs reach each other"
        console.print(f"{title}: {summary}")
    console.print(
        f"Functions: {len(house.lengths)}, lines median {median(house.lengths):g}, "
        f"p90 {quantiles(house.lengths, n=10)[-1]:g}, longest {max(house.lengths)}"
    )
    console.print(f"Calls with {MANY} or more positional arguments: {house.crowded or 0}")
    console.print(f"dict[str, Any]: {dict(house.untyped)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Fingerprints of code: the modules that a result is made by, without comments and docstrings.

A result that is kept says which code made it. Which modules these are is read from the imports,
so that none is forgotten and none that has no part in it is named.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock

PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parent
SHOWING = ("analytics.figures", "analytics.onset.judging.shown")
"""What draws a result or writes it down for a notebook: it makes none, so it is no part of it."""


@cache
def code(module: str, root: Path = ROOT) -> str:
    """Fingerprint of a module of analytics and all that it imports from there, 16 hex digits.

    module: its dotted name. root: the folder of the package analytics.
    """
    digest = hashlib.sha256()
    for name, file in closure(module, root).items():
        digest.update(f"{name}\0{_read(file).bare}\0".encode())
    return digest.hexdigest()[:16]


@cache
def with_questions(module: str, meaning: Callable[[str], str], root: Path = ROOT) -> str:
    """Fingerprint of a module's code and of the questions that it asks of a store.

    meaning: the text that answers a question, by its name; comments of it do not count.
    """
    digest = hashlib.sha256(code(module, root).encode())
    for name in questions(module, root):
        digest.update(f"{name}\0{meaning(name)}\0".encode())
    return digest.hexdigest()[:16]


def questions(module: str, root: Path = ROOT) -> list[str]:
    """Names of the questions that the code asks by ``query("name", …)``, sorted."""
    return sorted({one for file in closure(module, root).values() for one in _read(file).questions})


def closure(module: str, root: Path = ROOT) -> dict[str, Path]:
    """A module and all that it imports, at its head or within a function: name to file, sorted.

    Raises:
        ValueError: there is no such module.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = _file(name, root)
        shows = any(name == one or name.startswith(f"{one}.") for one in SHOWING)
        if file is None or name in found or shows:
            continue
        found[name] = file
        waiting += _imported(file, name, root)
    if module not in found:
        raise ValueError(f"there is no module {module!r}")
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class _Read:
    """What a module's text says: its code alone, its imports, the questions that it asks."""

    bare: str
    imports: tuple[ast.Import | ast.ImportFrom, ...]
    questions: tuple[str, ...]


_parsing = Lock()
"""Python 3.11's parser fails where two threads parse at once (AST constructor recursion depth)."""


def _read(file: Path) -> _Read:
    return _parsed(file.read_text(encoding="utf-8"))


@lru_cache(maxsize=1024)
def _parsed(text: str) -> _Read:
    with _parsing:
        nodes = list(ast.walk(ast.parse(text)))
        code_alone = bare(text)
    asked = [
        str(node.args[0].value) for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        and node.func.id == "query" and node.args and isinstance(node.args[0], ast.Constant)
    ]  # fmt: skip
    imported = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return _Read(code_alone, tuple(imported), tuple(asked))


def bare(text: str) -> str:
    """The code of a module's text: without comments, docstrings and layout.

    >>> bare('def f():  # why' + chr(10) + '    "says"' + chr(10) + '    return  1')
    'def f():\\n    return 1'
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            lines = getattr(node, part, None)
            if isinstance(lines, list):
                kept = [line for line in lines if not _is_text(line)]
                setattr(node, part, kept or ([ast.Pass()] if lines and part == "body" else []))
    return ast.unparse(tree)


def _is_text(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _file(name: str, root: Path) -> Path | None:
    """The file of a module of analytics; None for what is none."""
    if name.split(".")[0] != PACKAGE.name:
        return None
    place = root.joinpath(*name.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None


def _imported(file: Path, name: str, root: Path) -> Iterator[str]:
    """Modules that a file imports; a package counts where something of its own is imported."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in _read(file).imports:
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        else:
            above = package.split(".")
            base = ".".join(above[: len(above) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            inner = [f"{source}.{one.name}" for one in node.names]
            yield from (one if _file(one, root) else source for one in inner)

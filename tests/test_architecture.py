"""The rooms and who may import whom (README, "Rooms"), read from the source with ast."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.house import APART

ROOMS = ("app.py", "pages", "data", "analytics")
NOT_SOURCE = ("data/local", "data/examples")

# The composition roots: the only files and folders where data and analytics may meet.
ROOTS = (
    "app.py",
    "analytics/__main__.py",
    "analytics/commands/",
    "analytics/review/reading.py",
    "analytics/alerts/sending.py",
    "analytics/alerts/command.py",
    "pages/shared/reads.py",
    "pages/shared/keeping/",
    "pages/shared/asking/",
    "pages/shared/server/",
)
MEETING = ("data", "analytics")

# Packages of many files have floors, rooms or single modules: each knows only those before it, and
# is seen at a glance. A room within a room may lie apart, below the rest of it.
FLOORS = {
    "data/readers": (
        "raw", "names", "kl", "trainers", "meaning", "files", "layouts", "responses", "answers",
        "trackers", "metrics", "runs",
    ),
    "data": (
        "address_space", "declared", "columns", "words", "readers", "database", "rows", "roles",
        "home", "spool", "people", "merging", "store", "owner", "remote", "serving", "upkeep",
        "incoming", "outgoing", "pull", "api", "__main__",
    ),
    "pages/shared": (
        "keeping", "reads", "asking", "escaping", "tables", "links", "choices", "importing",
        "frame", "server", "charts", "page_parts", "people", "responses", "paid", "runs", "truth",
        "loops", "quality", "menu",
    ),
    "analytics/figures": (
        "drawing", "rewards", "words", "runs", "laws", "truth", "measured", "sent",
    ),
    "analytics/gate": (
        "rules", "records", "blocks", "simulated", "result",
    ),
    "analytics": (
        "wording", "computing", "words", "kl", "gao", "rates", "knowledge", "calibration",
        "answers", "figures/drawing", "figures/rewards", "onset", "simulated", "simulated_humps",
        "best_of_n", "simulated_pools", "scaling_laws", "simulated_families",
        "simulated_responses", "comparing", "collapse", "hallucination",
        "behaviours", "loops", "gate", "reading", "shortcuts", "measured", "paid_for", "figures",
        "kept_verdicts", "review", "alerts", "quality", "agents", "commands", "__main__",
    ),
    "analytics/onset": (
        "evidence", "errors", "labels", "curves", "alarm", "choosing", "sentences", "judging",
    ),
}  # fmt: skip
MOST_FILES = 20

# What a notebook shows of a verdict; nothing else in onset draws.
SHOWN = "analytics/onset/judging/shown.py"

# All that a verdict says is written in one room; elsewhere in onset numbers become text only in
# messages about a frame, in a notebook's table, and in the name of an error's source.
SENTENCES = "analytics/onset/sentences/"
WRITE_TOO = (
    SHOWN, "analytics/onset/judging/frame_rows.py", "analytics/onset/errors/stated_error.py",
)  # fmt: skip

# Room -> what it never imports, whatever else it does.
FORBIDDEN = {
    "data": ("analytics", "pages", "app", "streamlit", "plotly"),
    "analytics": ("data", "pages", "app", "streamlit", "duckdb"),
    "pages": ("app", "duckdb"),
}
NAMELESS = ("utils", "util", "helpers", "helper", "common", "misc", "core")
ASKS = ("execute", "executemany", "executescript", "sql", "query")
# The one module whose SQL is put together, from declared names alone; it knows no log.
COMPOSES = "data/database/ddl.py"
COMPOSED_OF = ("__future__", "duckdb", "polars", "data.declared")
BUILDS = ("format", "format_map", "replace", "substitute", "safe_substitute")


@dataclass(frozen=True)
class Import:
    """One imported name: `module` with the `name` taken from it, if one is."""

    module: str
    name: str | None
    line: int

    def under(self, package: str) -> bool:
        whole = ".".join(filter(None, [self.module, self.name]))
        return whole == package or whole.startswith(package + ".")


def imports(file: Path, tree: ast.Module, root: Path) -> Iterator[Import]:
    """Every import of a file: absolute, relative, inside functions, and by import_module."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            first = node.args[0]
            named = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if called in ("import_module", "__import__") and named:
                yield Import(first.value, None, node.lineno)


def import_faults(file: str, found: list[Import]) -> Iterator[str]:
    """What a file, named relative to the root, imports and should not."""
    room = file.split("/")[0]
    for one in found:
        if file == COMPOSES and not any(one.under(module) for module in COMPOSED_OF):
            yield f"{file}:{one.line} imports {one.module}: its SQL is made of declared names alone"
        fault = f"{file}:{one.line} imports {one.module}{'.' + one.name if one.name else ''}"
        for package in FORBIDDEN.get(room, ()):
            if one.under(package) and not (file.startswith(ROOTS) and package in MEETING):
                yield f"{fault}: {room} does not know {package}"
        if one.under("plotly") and not file.startswith("analytics/figures/"):
            yield f"{fault}: only analytics/figures draws"
        if file.startswith("analytics/onset/") and file != SHOWN and one.under("analytics.figures"):
            yield f"{fault}: in onset only {SHOWN} draws"
        writes = file.startswith("analytics/onset/") and one.under("analytics.wording")
        if writes and not file.startswith(SENTENCES) and file not in WRITE_TOO:
            yield f"{fault}: what a verdict says is written in {SENTENCES}"
        if room != "pages" or file.startswith(ROOTS):
            continue
        if one.under("pages") and not one.under("pages.shared"):
            yield f"{fault}: a page imports no other page"
        inner = file.startswith("pages/shared/")
        if not inner and one.under("data") and not (one.name or "").isupper():
            yield f"{fault}: a page takes only constants from data"
    if room == "pages" and file.startswith("pages/shared/") and not file.startswith(ROOTS):
        both = all(any(one.under(room) for one in found) for room in ("data", "analytics"))
        if both:
            yield f"{file}: data and analytics meet only in {', '.join(ROOTS)}"


def floor_of(module: str, floors: Sequence[str]) -> str:
    """The floor of a dotted name within a house, "" for none: a room within a room may lie apart.

    >>> floor_of("figures.drawing.text", ("figures/drawing", "onset", "figures"))
    'figures/drawing'
    """
    dotted = {floor.replace("/", "."): floor for floor in floors}
    there = [one for one in dotted if module == one or module.startswith(f"{one}.")]
    return dotted[max(there, key=len)] if there else ""


def floor_faults(file: str, found: list[Import]) -> Iterator[str]:
    """What a file of a floor imports from a later one, or from the house itself."""
    for house, floors in FLOORS.items():
        if not file.startswith(f"{house}/") or file == f"{house}/__init__.py":
            continue
        package = house.replace("/", ".")
        own = file.removesuffix(".py").replace("/", ".").removeprefix(f"{package}.")
        floor = floor_of(own.removesuffix(".__init__"), floors)
        if not floor:
            yield f"{file} is on none of the floors of {house}: {', '.join(floors)}"
            continue
        for one in found:
            named = ".".join(filter(None, [one.module, one.name]))
            if not named.startswith(f"{package}."):
                continue
            other = floor_of(named.removeprefix(f"{package}."), floors)
            if not other:
                yield f"{file}:{one.line} imports {named}: what is on no floor"
            elif floors.index(other) > floors.index(floor):
                yield f"{file}:{one.line} imports {named}: {floor} does not know {other}"


def is_built(text: ast.expr, built: set[str]) -> bool:
    """Whether an expression is text put together from values, or a name that holds such."""
    if isinstance(text, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in text.values)
    if isinstance(text, ast.BinOp) and isinstance(text.op, ast.Mod | ast.Add):
        return not all(isinstance(side, ast.Constant) for side in (text.left, text.right))
    if isinstance(text, ast.Call):
        return isinstance(text.func, ast.Attribute) and text.func.attr in BUILDS
    return isinstance(text, ast.Name) and text.id in built


def sql_faults(file: str, tree: ast.Module) -> Iterator[str]:
    """Calls of execute, sql and their kin with a text that was formatted; values are bound."""
    if file == COMPOSES:
        return
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    seen = set()
    for scope in [tree, *functions]:
        built: set[str] = set()
        for node in ast.walk(scope):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
                targets = [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            # The module's own names only at its top: a local name means something else elsewhere.
            if names and (scope is not tree or node in tree.body):
                value = node.value
                if value is not None and (
                    is_built(value, set()) or isinstance(node, ast.AugAssign)
                ):
                    built |= names
        for node in ast.walk(scope):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            texts = node.args[:1] + [
                word.value for word in node.keywords if word.arg in ("query", "sql")
            ]
            asks = node.func.attr in ASKS and texts and is_built(texts[0], built)
            if asks and node.lineno not in seen:
                seen.add(node.lineno)
                yield f"{file}:{node.lineno} formats values into SQL: bind them"


def source(root: Path) -> Iterator[Path]:
    """The product's Python files."""
    for room in ROOMS:
        place = root / room
        for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
            if not file.relative_to(root).as_posix().startswith(NOT_SOURCE):
                yield file


def faults(root: Path) -> list[str]:
    """Every breach of the architecture below `root`, one sentence each; an empty list is right."""
    found = []
    for path in source(root):
        file = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=file)
        asked = list(imports(path, tree, root))
        found += [*import_faults(file, asked), *floor_faults(file, asked)]
        found += sql_faults(file, tree)
        if path.parent == root / "pages":
            found.append(f"{file}: page scripts live in a folder of pages/ (deep links)")
    for folder, many in Counter(path.parent for path in source(root)).items():
        if many > MOST_FILES:
            place = folder.relative_to(root).as_posix()
            found.append(f"{place}: {many} files, more than {MOST_FILES}")
    for room in (*ROOMS, "tests", "bench"):
        for path in sorted((root / room).rglob("*")):
            file = path.relative_to(root).as_posix()
            if file.startswith(NOT_SOURCE):
                continue
            if path.stem in NAMELESS and (path.is_dir() or path.suffix == ".py"):
                found.append(f"{file}: name it for what it holds")
            if room == "tests" and path.name == "__init__.py":
                found.append(f"{file}: a package under tests/ shadows the room it is named after")
    return found


def test_the_rooms_keep_their_borders(root: Path) -> None:
    assert faults(root) == []


def test_what_lies_apart_is_drawn_apart() -> None:
    apart = [f"{house}/{one}" for house, floors in FLOORS.items() for one in floors if "/" in one]
    assert tuple(apart) == APART


BREACHES = [
    ("data/store.py", "import analytics.onset", "data does not know analytics"),
    ("data/store.py", "def f():\n    from pages.shared import reads", "data does not know pages"),
    ("data/store.py", "import importlib\nimportlib.import_module('plotly.io')", "only analytics"),
    ("data/readers/kl/x.py", "from .... import analytics", "data does not know analytics"),
    ("data/readers/x.py", "", "none of the floors"),
    ("data/readers/kl/x.py", "from data.readers.runs import folder", "kl does not know runs"),
    ("data/readers/kl/x.py", "from data.readers import read", "on no floor"),
    ("data/store.py", "from data import api", "store does not know api"),
    ("data/words/x.py", "from data.store import Store", "words does not know store"),
    ("pages/shared/tables.py", "from pages.shared import frame", "tables does not know frame"),
    ("analytics/kl.py", "from analytics import nowhere", "on no floor"),
    ("analytics/kl.py", "from data import store", "analytics does not know data"),
    ("analytics/kl.py", "import duckdb", "analytics does not know duckdb"),
    ("analytics/kl.py", "import streamlit as st", "analytics does not know streamlit"),
    ("analytics/kl.py", "import plotly.express", "only analytics/figures draws"),
    (
        "analytics/onset/judging/judged.py",
        "from analytics.figures.drawing import text",
        "in onset only analytics/onset/judging/shown",
    ),
    (
        "analytics/onset/judging/shown.py",
        "def f():\n    from analytics.figures.runs.band import band_figure",
        "onset does not know figures",
    ),
    ("analytics/figures/rewards/x.py", "import analytics.onset", "rewards does not know onset"),
    ("analytics/figures/drawing/x.py", "from analytics import figures", "not know figures"),
    (
        "analytics/onset/judging/flags.py",
        "from analytics.wording import number",
        "written in analytics/onset/sentences/",
    ),
    ("analytics/__main__.py", "import streamlit", "analytics does not know streamlit"),
    ("pages/runs/overview.py", "import plotly.graph_objects as go", "only analytics/figures"),
    ("pages/runs/overview.py", "from data import store", "only constants"),
    ("pages/runs/overview.py", "from pages.truth import answers", "no other page"),
    ("pages/shared/frame.py", "import data.store\nimport analytics.kl", "meet only in"),
    ("pages/overview.py", "", "folder of pages/"),
    ("data/utils.py", "", "name it"),
    ("pages/shared/core/x.py", "", "name it"),
    ("tests/data/__init__.py", "", "shadows"),
    ("data/store.py", "def f(c, x):\n    c.execute(f'select {x}')", "bind"),
    ("data/database/ddl.py", "from data.readers.layouts import cells", "declared names alone"),
    ("data/store.py", "def f(c, x):\n    c.sql('select %s' % x)", "bind"),
    ("data/store.py", "def f(c, x):\n    c.sql('select ' + x)", "bind"),
    ("data/store.py", "def f(c, x):\n    c.execute('select {}'.format(x))", "bind"),
    ("data/store.py", "def f(c, x):\n    t = f'select {x}'\n    c.execute(t)", "bind"),
    ("data/store.py", "def f(c, x):\n    c.sql(query=f'select {x}')", "bind"),
]


@pytest.mark.parametrize(("file", "text", "sentence"), BREACHES)
def test_a_breach_is_found(tmp_path: Path, file: str, text: str, sentence: str) -> None:
    put(tmp_path, file, text)
    found = faults(tmp_path)
    assert any(sentence in fault for fault in found)
    assert all(file in fault or Path(file).parent.as_posix() in fault for fault in found)


RIGHT = [
    ("app.py", "import analytics.onset\nimport data.store\nimport streamlit"),
    ("analytics/__main__.py", "import data.store\nfrom analytics import kl"),
    ("analytics/figures/runs/onset.py", "import plotly.graph_objects as go\nimport polars"),
    (
        "analytics/onset/judging/shown.py",
        "def f():\n    from analytics.figures.rewards.rewards import reward_figure",
    ),
    (
        "analytics/figures/runs/band.py",
        "from analytics import onset\nimport analytics.figures.rewards",
    ),
    ("analytics/onset/evidence/gao.py", "from ...kl import nats\nfrom . import pooling"),
    ("analytics/onset/sentences/x.py", "from analytics.wording import number"),
    ("pages/shared/reads.py", "import data.store\nimport analytics.kl\nimport streamlit"),
    ("pages/shared/frame.py", "import data.store"),
    (
        "pages/runs/overview.py",
        "from analytics import figures\nfrom analytics.figures.drawing import curves\n"
        "from data.columns import METRICS\nfrom pages.shared import reads",
    ),
    ("data/store.py", "def f(c, x):\n    c.execute(f'select 1')\n    c.execute('select ?', [x])"),
    ("data/store.py", "def f(x):\n    t = f'{x}'\n\ndef g(c, t):\n    c.execute(t)"),
    (
        "data/database/ddl.py",
        "from data.declared import X\ndef f(c):\n    c.execute(f'select {X}')",
    ),
    ("data/local/utils.py", "import analytics"),
]


@pytest.mark.parametrize(("file", "text"), RIGHT)
def test_what_is_allowed_is_not_found(tmp_path: Path, file: str, text: str) -> None:
    put(tmp_path, file, text)
    assert faults(tmp_path) == []


def put(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_charts_are_drawn_in_one_place_with_their_words(root: Path) -> None:
    drawing = [
        path.relative_to(root).as_posix()
        for path in (root / "pages").rglob("*.py")
        if "plotly_chart(" in path.read_text()
    ]
    assert drawing == ["pages/shared/charts.py"]


ANYTHING = ("told", "held", "said")
"""Names that once stood for six kinds of things: a row, a text, a flag, a container, a function."""
NAMED = ("pages", "data", "analytics", "bench", "docs", "tests", "app.py")


def named_anyhow(tree: ast.Module) -> Iterator[str]:
    """Variables, arguments, functions, classes and fields of these names, each with its line.

    Keys of a ``TypedDict`` are those of JSON and of tables, which keep their names.
    """
    keys: set[ast.AST] = set()
    rows = {"TypedDict"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and rows & {ast.unparse(base) for base in node.bases}:
            rows.add(node.name)
            keys |= {one.target for one in node.body if isinstance(one, ast.AnnAssign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.alias):
            name = node.asname or ""
        else:
            continue
        if name.strip("_").lower() in ANYTHING and node not in keys:
            yield f"{node.lineno} {name}"


def test_names_say_what_a_thing_is(root: Path) -> None:
    files = [
        path for room in NAMED for path in sorted({root / room, *(root / room).rglob("*.py")})
        if path.is_file() and not path.relative_to(root).as_posix().startswith(NOT_SOURCE)
    ]  # fmt: skip
    found = [
        f"{path.relative_to(root)}:{hit}"
        for path in files
        for hit in named_anyhow(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize("text", [
    "told = []", "for held in rows: pass", "def _said(x): pass", "said: str = 1", "_TOLD = 1",
    "class Held: pass", "def f(x, *, told=None): pass", "a = [b for said, b in c]",
    "first, told = 1, 2", "with a as told: pass", "self.said = 1", "if told := f(): pass",
    "from a import b as held", "class A(NamedTuple):\n    held: int",
])  # fmt: skip
def test_a_name_for_anything_is_found(text: str) -> None:
    assert len(list(named_anyhow(ast.parse(text)))) == 1


@pytest.mark.parametrize("text", [
    'a["told"] = "said"', "what_is_told = held.said", "class A(TypedDict):\n    told: float",
    "class A(TypedDict): pass\nclass B(A):\n    told: float",
])  # fmt: skip
def test_keys_and_other_names_stay(text: str) -> None:
    assert list(named_anyhow(ast.parse(text))) == []

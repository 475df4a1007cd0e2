"""What pages need is loaded at the start, so that the first readers do not load it all at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

LATE = (
    "pyarrow", "PIL.Image", "PIL.ImageFile", "plotly.tools", "plotly.io",
    "plotly.animation", "plotly.offline", "narwhals._interchange.dataframe",
)  # fmt: skip
"""What Streamlit, Plotly and DuckDB load with the first page. pandas is not among it: nothing of ours
needs it (tables.py)."""


def load() -> None:
    """Import what the pages import, with all that it draws and counts with."""
    for name in (*LATE, *_imported()):
        import_module(name)


def _imported() -> Iterator[str]:
    """The modules of our own that page scripts name."""
    for script in sorted(Path(__file__).parents[1].glob("*/*.py")):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                if node.module == "pages.shared":
                    yield from (f"pages.shared.{alias.name}" for alias in node.names)
                elif node.module.startswith(("pages.", "analytics.")):
                    yield node.module

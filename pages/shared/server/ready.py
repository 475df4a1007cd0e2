"""What pages need is loaded at the start, so that the first readers do not load it all at once."""

from __future__ import annotations

import ast
import inspect
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from analytics.figures.drawing.curves import Panel
from analytics.figures.rewards.rewards import reward_figure
from analytics.figures.sent.finished import Finished
from pages.shared import reads

LATE = (
    "pyarrow", "PIL.Image", "PIL.ImageFile", "plotly.tools", "plotly.io",
    "plotly.animation", "plotly.offline", "narwhals._interchange.dataframe", "streamlit.emojis",
    "streamlit.material_icon_names",
)  # fmt: skip
"""What Streamlit, Plotly and DuckDB load with the first page. pandas is not among it: no page needs
it (tables.py)."""


def load() -> None:
    """Import what the pages import, with all that it draws and counts with."""
    for name in (*LATE, *_imported()):
        import_module(name)
    inspect.stack()  # Streamlit's first element asks for it: the file of each module is looked for


def warm(panels: Sequence[Panel]) -> None:
    """Meanwhile, read and draw one run, as a first view does: libraries prepare much at first use.

    Args:
        panels: quantities below the chart.
    """
    threading.Thread(target=_draw_one, args=(panels,), daemon=True, name="warm").start()


def _draw_one(panels: Sequence[Panel]) -> None:
    with suppress(Exception):  # what is wrong with a run, its page says
        known = reads.kept_verdicts()
        judged = [run for run in reads.runs().iter_rows(named=True) if run["run_id"] in known]
        curves, _ = reads.run_curves(judged[:1], {}, None)
        if curves:
            Finished(reward_figure(curves, "step", "raw", panels)).to_dict()


def _imported() -> Iterator[str]:
    """The modules of our own that page scripts name."""
    pages = Path(__file__).parents[2]
    for script in sorted(pages.glob("*/*.py")):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
                continue
            if node.module.startswith(("pages.", "analytics.")):
                yield node.module
                named = (f"{node.module}.{alias.name}" for alias in node.names)
                yield from (one for one in named if _file(pages.parent, one).is_file())


def _file(root: Path, module: str) -> Path:
    return root.joinpath(*module.split(".")).with_suffix(".py")

"""What pages need is loaded at the start, so that the first readers do not load it all at once."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

LATE = ("pandas", "pyarrow.pandas_compat", "PIL.Image")
"""What Streamlit and Plotly load with the first page: Plotly looks into pandas, which another one
may be loading just then."""


def load() -> None:
    """Import every module that pages share, with all that it draws and counts with."""
    for name in LATE:
        import_module(name)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if file.stem != "menu":  # a script
            import_module(f"{__package__}.{file.stem}")

"""Stores that browser tests open: filled by the product's own commands."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"


def command(home: Path, *words: str, module: str = "data", status: int = 0) -> str:
    """What a command of the product prints over one store."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "OVEROPT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


def filled(home: Path, *logs: Path) -> Path:
    """A store's folder with logs imported into it."""
    home.mkdir(parents=True, exist_ok=True)
    command(home, "import", *map(str, logs), "--project", "examples", "--json")
    return home

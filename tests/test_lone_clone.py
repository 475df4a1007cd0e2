"""A clone alone on a machine has all that its tests need: nothing above it is read or asked for."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CANNOT

ABOVE = (
    (re.compile(r"\b(?:ROOT|root|REPOSITORY|CHECKOUT)\.parents?\b"), "goes above the root"),
    (
        re.compile(r"['\"](?:/(?:work|home|root|Users|mnt|srv|opt)\b|~/)"),
        "names a machine's folder",
    ),
    (re.compile(r"\bPath\.home\(|\bexpanduser\("), "reads the user's folder"),
)
PARENTS = re.compile(r"\bparents\[(\d+)\]")
CHAIN = re.compile(r"__file__\)(?:\.resolve\(\)|\.absolute\(\))?((?:\.parent\b(?!s))+)")


def faults(file: str, text: str) -> Iterator[str]:
    """What in a test file leans on a folder above the repository; ``file`` relative to the root."""
    depth = len(Path(file).parts)
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, sentence in ABOVE:
            if pattern.search(line):
                yield f"{file}:{number} {sentence}: {line.strip()}"
        climbs = [int(found) + 1 for found in PARENTS.findall(line)]
        climbs += [found.count(".parent") for found in CHAIN.findall(line)]
        if max(climbs, default=0) > depth:
            yield f"{file}:{number} goes above the root: {line.strip()}"


def test_no_test_leans_on_a_folder_above_the_repository(root: Path) -> None:
    files = [path for room in ("tests", "bench") for path in sorted((root / room).rglob("*.py"))]
    assert len(files) > 80
    own = Path(__file__).resolve()
    assert [
        fault
        for path in files
        if path != own
        for fault in faults(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(
    "line",
    [
        'SHARED = Path(__file__).resolve().parents[3] / "shared"',
        'TRL = ROOT.parent / "shared" / "data" / "trl"',
        "HERE = Path(__file__).resolve().parent.parent.parent.parent",
        "LOGS = root.parents[0]",
        'DATA = Path("/home/someone/logs")',
        "KEPT = '~/logs'",
        "HOME = Path.home()",
    ],
)
def test_what_leans_above_is_found(line: str) -> None:
    assert len(list(faults("tests/data/test_x.py", line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "ROOT = Path(__file__).resolve().parents[2]",
        "HERE = Path(__file__).resolve().parent.parent.parent",
        "folder = path.parent",
        'name = "../../etc"',
        'assert run.parents == ["home"]',
    ],
)
def test_what_stays_inside_is_not(line: str) -> None:
    assert list(faults("tests/data/test_x.py", line)) == []


SKIPS = """
import pytest

def test_machine():
    pytest.skip({allowed!r} + "none here")

@pytest.mark.skipif(True, reason="the real logs are not here")
def test_logs():
    pass

@pytest.mark.skip(reason="later")
class TestLater:
    def test_later(self):
        pass

@pytest.fixture
def wanted():
    pytest.skip("no such file")

def test_fixture(wanted):
    pass
"""


def test_skips_for_another_reason_than_the_machine_fail(root: Path, tmp_path: Path) -> None:
    shutil.copy(root / "tests" / "conftest.py", tmp_path / "conftest.py")
    (tmp_path / "test_skips.py").write_text(SKIPS.format(allowed=CANNOT[0]))
    module = "import pytest\npytest.importorskip('no_such_module')\n"
    (tmp_path / "test_module.py").write_text(module)
    options = ["-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert "1 skipped, 4 errors" in done.stdout
    for reason in ("the real logs are not here", "later", "no such file", "could not import"):
        assert f"skipped, though this machine can do it: {reason}" in done.stdout

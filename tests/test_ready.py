"""A process that is forked from a loaded one is as one that starts Python itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ready

ROOT = Path(__file__).resolve().parents[1]
SAYS = """
import os, sys
print(os.environ["SAID"], sys.argv[1:], os.getcwd(), sys.stdin.read() == "")
print("wrong", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


def test_arguments_environment_streams_and_end_are_its_own(tmp_path: Path) -> None:
    done = ready.run("-c", SAYS, "3", "b c", env={"SAID": "here"}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (3, "wrong\n")
    assert done.stdout == f"here ['3', 'b c'] {tmp_path} True\n"
    failed = ready.run("-c", "1 / 0")
    assert failed.returncode == 1 and failed.stderr.endswith(
        "ZeroDivisionError: division by zero\n"
    )


def test_it_can_be_killed_and_waited_for() -> None:
    started = ready.Started("-c", "import time; time.sleep(600)")
    with pytest.raises(subprocess.TimeoutExpired):
        started.communicate(0.05)
    assert started.wait() == started.poll() == -signal.SIGKILL
    other = ready.Started("-c", "import time; time.sleep(600)")
    assert other.poll() is None
    other.send_signal(signal.SIGTERM)
    assert other.wait() == -signal.SIGTERM


def test_files_of_a_full_disk_grow_no_further(tmp_path: Path) -> None:
    code = "import pathlib; pathlib.Path('f').write_text('x' * 99)"
    assert "File too large" in ready.run("-c", code, cwd=tmp_path, most_bytes=9).stderr
    assert (tmp_path / "f").stat().st_size <= 9


def test_a_command_says_what_it_says_without(home: Path) -> None:
    words = ["data", "list", "--json"]
    plain = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, env=os.environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    forked = ready.run(*words)
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        plain.returncode, plain.stdout, plain.stderr,
    )  # fmt: skip
    assert plain.returncode == 2

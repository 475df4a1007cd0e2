"""Memory that a server has freed is the system's again."""

from __future__ import annotations

import subprocess
import sys

import pytest

FREED = """
import sys
if sys.argv[1] == "given back":
    from importlib.util import module_from_spec, spec_from_file_location
    spec = spec_from_file_location("given_back", "data/serving/given_back.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.give_back()
large = [bytearray(20_000_000) for _ in range(2)]  # glibc keeps more after such as these
del large
small = [bytearray(60_000) for _ in range(500)]
del small
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no glibc: mallopt is its own")
def test_what_is_freed_goes_back(root) -> None:
    resident = {
        how: int(
            subprocess.run(
                [sys.executable, "-c", FREED, how], capture_output=True, check=True, text=True,
                cwd=root,
            ).stdout
        )
        for how in ("left", "given back")
    }  # fmt: skip
    assert resident["given back"] < resident["left"] - 10_000, resident  # kB

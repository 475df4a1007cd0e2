"""`make audit`: the real tool, and a fake service that answers, refuses, or is not there."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / ".ci" / "audit.py"
spec = importlib.util.spec_from_file_location("audit", SCRIPT)
assert spec is not None and spec.loader is not None
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)

CLEAN = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("advisories", "code", "sentence"),
    [
        ([CLEAN], 0, "no known vulnerability in 1 packages"),
        ([CLEAN, HOLED], 1, "b 2: PYSEC-1, mended in 3"),
        ([HOLED, SKIPPED], 1, "skipped c"),
        ([CLEAN, SKIPPED], 2, "1 of 2 packages were not asked about"),
        ([SKIPPED], 3, "no answer about any of 1 packages: nothing is known"),
        ([], 3, "nothing is known"),
    ],
)
def test_exit_codes(advisories: list[dict[str, object]], code: int, sentence: str) -> None:
    found, sentences = audit.judged({"dependencies": advisories})
    assert found == code and sentence in "\n".join(sentences)


@contextmanager
def service(answers: dict[str, list[dict[str, object]]], status: int = 200) -> Iterator[str]:
    """OSV's query, which knows vulnerabilities by package."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"vulns": answers.get(asked["package"]["name"], [])}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{served.server_port}/v1/query"
    finally:
        served.shutdown()
        served.server_close()


def ask(url: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    installed = tmp_path / "site" / "left_pad-1.0.dist-info"
    installed.mkdir(parents=True, exist_ok=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: left-pad\nVersion: 1.0\n")
    words = [sys.executable, str(SCRIPT), "--path", str(installed.parent), "--cache-dir",
             str(tmp_path / "cache"), "-s", "osv", "--osv-url", url, "--timeout", "5"]  # fmt: skip
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)


HOLE = {
    "id": "PYSEC-2026-1", "summary": "s", "details": "d", "aliases": [],
    "affected": [{"package": {"ecosystem": "PyPI", "name": "left-pad"}, "versions": ["1.0"],
                  "ranges": [{"type": "ECOSYSTEM",
                              "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]}],
}  # fmt: skip


def test_the_tool_and_a_service_that_answers(tmp_path: Path) -> None:
    with service({}) as url:
        done = ask(url, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with service({"left-pad": [HOLE]}) as url:
        done = ask(url, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "left-pad 1.0: PYSEC-2026-1, mended in 1.1" in done.stdout


def test_the_tool_and_a_service_that_does_not(tmp_path: Path) -> None:
    with service({}, status=503) as url:
        done = ask(url, tmp_path)
    assert done.returncode == 3 and "nothing is known" in done.stdout, done.stdout
    done = ask(url, tmp_path)  # nobody listens there any more
    assert done.returncode == 3 and "nothing is known" in done.stdout, done.stdout

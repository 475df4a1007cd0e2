"""What every test gets: a store of its own, and the same random examples on every machine."""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

# As analytics does, but here NumPy is loaded first: threads of two workers would wait spinning.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import pytest

hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("suite")

CANNOT = ("no browser: ", "no glibc: ")
"""How the reason of a skip may begin: something that this machine cannot do. Others fail."""


def _no_other_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """A skipped report becomes a failed one, unless its reason is one of ``CANNOT``."""
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = why.removeprefix("Skipped: ")
    if not reason.startswith(CANNOT):
        report.outcome = "failed"
        report.longrepr = f"skipped, though this machine can do it: {reason} (tests/conftest.py)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _no_other_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _no_other_skip(report)
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests first: what is left at the end is short, and both cores have work."""
    items.sort(key=lambda item: "browser" not in item.path.parent.name)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout's folder."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fixtures that outlive a test never see the user's own store either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(tmp_path_factory.mktemp("shared-home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def copied_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new store begins as a copy of an empty one: its tables take a tenth of a second to make.

    A store that began so, and whose file is as this process closed it, is not migrated again: half
    of what opening takes. Processes that a test starts make and migrate their own.
    """
    from data.store import Store

    empty, make, end = tmp_path_factory.mktemp("empty-store"), Store.__init__, Store.close
    migrate = Store._migrate
    Store(empty).close()
    left: dict[Path, tuple[int, ...]] = {}

    def as_it_is(place: Path) -> tuple[int, ...]:
        """Which file it is and when it was last written; nothing where another file counts too."""
        try:
            found = place.stat()
        except OSError:
            return ()
        whole = not place.with_name(f"{place.name}.wal").exists()
        return (found.st_ino, found.st_size, found.st_mtime_ns) if whole else ()

    def copied(self: Store, home: Path) -> None:
        place = home / "store.duckdb"
        if not place.exists():
            with suppress(OSError):  # which DuckDB then meets itself
                shutil.copyfile(empty / place.name, place)
                left[place] = as_it_is(place)
        make(self, home)

    def migrated(self: Store, path: Path) -> None:
        now = as_it_is(path)
        if not now or left.pop(path, None) != now:
            migrate(self, path)
        else:
            left[path] = now

    def closed(self: Store) -> None:
        end(self)
        place = self.home / "store.duckdb"
        if place in left:
            left[place] = as_it_is(place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "__init__", copied)
        patch.setattr(Store, "_migrate", migrated)
        patch.setattr(Store, "close", closed)
        yield


@pytest.fixture(scope="session", autouse=True)
def judge_handed_on() -> Iterator[dict[str, Callable[..., Any]]]:
    """A judging process that a command has done with serves the next one: each takes a second to
    start. Gives what stood in place of this, for tests of the process itself.
    """
    from analytics.kept_verdicts.judging import Judge, _Process

    idle: list[_Process] = []
    start, close = _Process, Judge.close

    def started() -> _Process:
        return idle.pop() if idle else start()

    def kept(self: Judge) -> None:
        if self._process is not None and self._turn.acquire(blocking=False):  # no run is judged
            idle.append(self._process)
            self._process = None
            self._turn.release()
        close(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analytics.kept_verdicts.judging._Process", started)
        patch.setattr(Judge, "close", kept)
        yield {"_Process": start, "Judge.close": close}
    for process in idle:
        process.end()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store's folder, named by OVEROPT_HOME for this test and what it starts."""
    folder = tmp_path / "home"
    monkeypatch.setenv("OVEROPT_HOME", str(folder))
    return folder

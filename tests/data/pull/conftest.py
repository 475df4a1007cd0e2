"""W&B's own client, pointed at a server of this test; what a store holds, to compare two."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

import data.__main__
from tests.data.pull.served import serving
from tests.data.pull.wandb_served import WandbServed


@dataclass
class Done:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """What was printed, without the terminal's line breaks."""
        return " ".join(self.out.split())


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """A command in this process."""

    def run(*words: object) -> Done:
        capsys.readouterr()
        status = data.__main__.main([str(word) for word in words])
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def _wandb_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WandbServed]:
    """One server for all tests of a process: wandb keeps the address that it first saw."""
    own = tmp_path_factory.mktemp("wandb")
    served = WandbServed()
    with serving(served), pytest.MonkeyPatch.context() as patch:
        for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_DIR"):
            patch.setenv(name, str(own))
        patch.setenv("NETRC", str(own / "netrc"))
        patch.setenv("WANDB_BASE_URL", served.url)
        patch.setenv("WANDB_API_KEY", "k" * 40)
        patch.setenv("WANDB_ERROR_REPORTING", "false")
        patch.setenv("WANDB__GRAPHQL_RETRY_MAX", "3")
        yield served


@pytest.fixture
def wandb_served(_wandb_session: WandbServed) -> WandbServed:
    """The server, without runs, and nothing asked yet."""
    _wandb_session.runs.clear()
    _wandb_session.refusals.clear()
    _wandb_session.forget_asked()
    return _wandb_session


OF_PLACE = ("sources", "path")
"""Facts that name the file that was read."""


def contents(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What a store holds of its runs, without where and when it was read."""
    (database,) = home.glob("*.duckdb")
    with duckdb.connect(str(database), read_only=True) as store:
        tables = {
            name: store.execute(f"select * from {name} order by all").fetchall()
            for name in ("metrics", "scalars", "gold_evaluations", "samples")
        }
        runs = store.execute("select run_id, project, format, facts, warnings from runs order by 1")
        tables["runs"] = [
            (run, project, kind, _placeless(facts), warnings)
            for run, project, kind, facts, warnings in runs.fetchall()
        ]
    return tables


def _placeless(facts: str) -> dict[str, Any]:
    return {key: value for key, value in json.loads(facts).items() if key not in OF_PLACE}

"""What every test gets: a store of its own, and the same random examples on every machine."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("suite")


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


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store's folder, named by OVEROPT_HOME for this test and what it starts."""
    folder = tmp_path / "home"
    monkeypatch.setenv("OVEROPT_HOME", str(folder))
    return folder

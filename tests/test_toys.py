"""A page and a detector are added as CONTRIBUTING.md says, in a copy of the tree."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.sessions import Session
from tests.recipes import copied, follow
from tests.server import Server, servers

RUNS = "name,step,kl,proxy_reward,gold_reward\nshort,7,1,1,1\n"
SCORED = """
import json
from analytics.figures.measured.detectors import detector_figure
from analytics.onset.alarm.detectors import DETECTORS
from analytics.quality.detection import measure_scenario
from analytics.measured.published import detector_table
ours = [one for one in DETECTORS if one.name in ("e-process", "below the first")]
rows = measure_scenario("sparse_n7_s05", 40, 3, ours)
table = detector_table(rows, "sparse_n7_s05")
figure = detector_figure(table).to_json()
print(json.dumps({"table": table.to_dicts(), "drawn": "below the first" in figure}, default=str))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with one more page and one more detector: two files each."""
    tree = copied(tmp_path_factory.mktemp("toys") / "tree")
    assert len(follow(tree, "A page")) == 2
    assert len(follow(tree, "A detector")) == 2
    return tree


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory):
    with servers(tmp_path_factory) as begin:
        yield begin


def test_a_page_is_served_under_its_name_over_the_store(
    tree: Path, start: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "runs.csv").write_text(RUNS.replace("name", "run_id"))
    home = tmp_path / "store"
    words = [sys.executable, "-m", "data", "import", str(tmp_path / "runs.csv"), "--json"]
    subprocess.run(words, cwd=tree, check=True, env=environment(home), capture_output=True)
    served = start(script=tree / "app.py", home=home, folder=tree)
    with Session(served.url) as session:
        drawn = session.open("/lengths")
        assert not drawn.failed
        assert "short ends at 7" in drawn.words
        assert not session.open("/overoptimization?run=short&axis=step").failed


def test_a_detector_is_scored_and_drawn_beside_ours(tree: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCORED], cwd=tree, env=environment(tmp_path), text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["drawn"]
    table = {row["detector"]: row for row in answer["table"]}
    toy, ours = table["below the first"], table["e-process"]
    assert ours["false_alarms"] <= 0.05 < toy["false_alarms"] <= 1


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "OVEROPT_HOME": str(home)}

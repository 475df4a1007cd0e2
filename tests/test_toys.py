"""A page and a detector are each added by a module and a line: done here in a copy of the tree."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.sessions import Session
from tests.server import Server, servers

ROOT = Path(__file__).resolve().parents[1]
PAGE = '''"""How long the runs are: a page of one number a run."""

import streamlit as st

from pages.shared import reads
from pages.shared.frame import heading, stop_when_empty

heading("Lengths", "The last step of each run.")
stop_when_empty()
for run, end in reads.runs().select("run_id", "step_end").iter_rows():
    st.metric(run, end)
    st.markdown(f"{run} ends at {end}")
'''
PLACE = '            st.Page("../runs/overoptimization.py"'
LINE = '            st.Page("../runs/lengths.py", title="Lengths", url_path="lengths"),\n'
DETECTOR = '''"""Two evaluations in a row below the first: a rule to be beaten."""

import numpy as np


def below_the_first(series):
    """Two in a row lower than the first evaluation; (runs, looks), by how much."""
    lower = series.gold[:, :1] - series.gold
    found = np.full(series.gold.shape, -np.inf)
    found[:, 1:] = np.minimum(lower[:, 1:], lower[:, :-1])
    return found
'''
ENTRY = '    Detector("below the first", toy.below_the_first, None, "none"),\n)\n"""RED,'
RUNS = "name,step,kl,proxy_reward,gold_reward\nshort,7,1,1,1\n"
SCORED = """
import json
from analytics.figures.detectors import detector_figure
from analytics.onset.alarm.detectors import DETECTORS
from analytics.quality.detection import measure_scenario
from analytics.quality.published import detector_table
ours = [one for one in DETECTORS if one.name in ("e-process", "below the first")]
rows = measure_scenario("sparse_n7_s05", 40, 3, ours)
table = detector_table(rows, "sparse_n7_s05")
figure = detector_figure(table).to_json()
print(json.dumps({"table": table.to_dicts(), "drawn": "below the first" in figure}, default=str))
"""


def changed(tree: Path, file: str, old: str, new: str) -> None:
    text = (tree / file).read_text()
    assert text.count(old) == 1, f"{file} has no such place any more: {old}"
    (tree / file).write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with one more page and one more detector: two files each."""
    tree = tmp_path_factory.mktemp("toys") / "tree"
    left_out = shutil.ignore_patterns("local", "examples", "__pycache__")
    for name in ("data", "analytics", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, tree / name, ignore=left_out)
    shutil.copyfile(ROOT / "app.py", tree / "app.py")
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    (tree / "pages/runs/lengths.py").write_text(PAGE)
    changed(tree, "pages/shared/menu.py", PLACE, LINE + PLACE)
    (tree / "analytics/onset/alarm/toy.py").write_text(DETECTOR)
    detectors = "analytics/onset/alarm/detectors.py"
    changed(tree, detectors, ')\n"""RED,', ENTRY)
    changed(tree, detectors, "import amber, baselines, e_process", "import amber, baselines, "
            "e_process, toy")  # fmt: skip
    after = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    assert len([path for path in after if after[path] != before.get(path)]) == 4
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
    told = json.loads(done.stdout)
    assert told["drawn"]
    table = {row["detector"]: row for row in told["table"]}
    toy, ours = table["below the first"], table["e-process"]
    assert ours["false_alarms"] <= 0.05 < toy["false_alarms"] <= 1


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "OVEROPT_HOME": str(home)}

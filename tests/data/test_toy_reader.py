"""A log format is added as CONTRIBUTING.md says, with a small log, in a copy of the tree."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recipes import copied, follow

ROOT = Path(__file__).resolve().parents[2]
LOG = "tests/data/logs/toy/dials.toy"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what reads logs, with one more format: three files are touched."""
    tree = copied(tmp_path_factory.mktemp("toy") / "tree")
    assert len(follow(tree, "A reader")) == 2  # and the small log
    (tree / LOG).parent.mkdir(parents=True)
    rows = [f"{step} {step / 10} {step / 5} {1 - step / 40}\n" for step in range(1, 21)]
    (tree / LOG).write_text("".join(rows))
    for name in ("pyproject.toml", "tests/conftest.py", "tests/data/test_reader_contract.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tree / name)
    return tree


def asked(tree: Path, home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=tree, text=True, capture_output=True, timeout=300,
        env={**os.environ, "OVEROPT_HOME": str(home)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_imported_from_a_folder_and_listed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "run-7" / "dials").mkdir(parents=True)
    shutil.copyfile(tree / LOG, tmp_path / "run-7" / "dials" / "a.toy")
    home = tmp_path / "store"
    done = json.loads(asked(tree, home, "data", "import", str(tmp_path / "run-7"), "--json"))
    (run,) = done["runs"]
    assert (run["run"], run["format"], run["points"], done["skipped"]) == ("run-7", "toy", 20, [])
    assert (run["kl_logged_unit"], run["kl_reference"]) == ("nats/sequence", "initial_policy")
    (listed,) = json.loads(asked(tree, home, "data", "list", "--json"))
    assert (listed["run"], listed["format"], listed["kl_end"]) == ("run-7", "toy", 2.0)


def test_it_is_imported_by_its_files_name_and_with_format(tree: Path, tmp_path: Path) -> None:
    named = ("data", "import", str(tree / LOG), "--format", "toy", "--json")
    (run,) = json.loads(asked(tree, tmp_path / "store", *named))["runs"]
    assert (run["run"], run["format"], run["points"]) == ("toy", "toy", 20)
    assert ",toy," in asked(tree, tmp_path, "data", "import", "--help").replace("\n", "")


def test_it_is_ranked_and_told_of(tree: Path, tmp_path: Path) -> None:
    script = tree.parent / "ask.py"
    script.write_text(
        "import json\n"
        "from data.readers.runs.formats import BELIEVED, FORMAT_RANK, KNOWN, readme_table\n"
        "names = [reader.name for reader in BELIEVED]\n"
        "print(json.dumps([names, FORMAT_RANK['toy'], KNOWN, readme_table()]))\n"
    )
    code = f"exec(open({str(script)!r}).read())"
    names, rank, known, table = json.loads(
        subprocess.run(
            [sys.executable, "-c", code], cwd=tree, text=True, capture_output=True, check=True
        ).stdout
    )
    assert names.index("trackio") < names.index("toy") < names.index("wandb")
    assert rank == 2 and "logs of a toy trainer (*.toy)" in known
    assert "| `toy`: logs of a toy trainer (\\*.toy) | its rows |" in table


def test_it_keeps_the_contract_of_readers(tree: Path, tmp_path: Path) -> None:
    answer = asked(
        tree, tmp_path, "pytest", "-k", "toy", "-p", "no:cacheprovider",
        "tests/data/test_reader_contract.py",
    )  # fmt: skip
    assert "passed" in answer and "failed" not in answer

"""Frames for notebooks: what a store would hold, from logs where they lie and from stores."""

import json
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import uvicorn
from starlette.applications import Starlette

import data
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.rewards.rewards import reward_figure
from analytics.kept_verdicts import verdicts
from analytics.onset import judge
from data import answers_df, api, gold_df, runs_df, samples_df
from data.columns import ANSWER_COLUMNS, METRIC_COLUMNS, SAMPLE_COLUMNS, LogError, ReadOptions
from data.database.sql import StoreError
from data.incoming.importing import import_paths
from data.outgoing.exporting import run_rows
from data.outgoing.frames import FACTS
from data.owner import Owner
from data.remote import StoreAccess

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
READS = {"runs": runs_df, "gold": gold_df, "samples": samples_df, "answers": answers_df}


def table(path: Path, run: str = "t", **columns: object) -> Path:
    steps = range(12)
    kl = [i / 4 for i in steps]
    rows = {"run_id": run, "step": list(steps), "kl": kl, "rm": 1.0, "judge": 2.0, "further": kl}
    path.parent.mkdir(exist_ok=True, parents=True)
    pl.DataFrame(rows | columns).write_csv(path)
    return path


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with runs of two projects, responses, late gold and graded answers."""
    home = tmp_path_factory.mktemp("filled")
    where = tmp_path_factory.mktemp("logs")
    late = where / "late.csv"
    pl.DataFrame({"run_id": "r6_grpo_resume", "step": [20, 60, 120], "gold_reward": [1.0, 0.5, 0.2],
                  "gold_source": "lab"}).write_csv(late)  # fmt: skip
    answers = where / "answers.csv"
    pl.DataFrame({"loop": "l", "iteration": [0, 0, 1, 1], "question_id": ["a", "b", "a", "b"],
                  "grade": ["correct", "incorrect", "correct", "correct"],
                  "temperature": 0.0}).write_csv(answers)  # fmt: skip
    import_paths(home, [EXAMPLES / "r6_grpo_resume", EXAMPLES / "r5_rloo"], ReadOptions())
    import_paths(home, [late, answers], ReadOptions())
    import_paths(home, [table(where / "t.csv")], ReadOptions(project="other"))
    return home


@pytest.fixture
def served(filled: Path) -> Iterator[Path]:
    """The same store while a server owns it."""
    owner = Owner(filled)
    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=api.routes(lambda: owner))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    owner.serve(f"http://127.0.0.1:{listening.getsockname()[1]}")
    yield filled
    server.should_exit = True
    thread.join(30)
    owner.close()


@pytest.mark.parametrize("name", READS)
def test_a_served_store_answers_alike(name: str, filled: Path, served: Path) -> None:
    with pytest.raises(Exception, match="already open"):
        Owner(served)
    over_http = READS[name](served)
    assert over_http.height
    with StoreAccess(served) as store:
        assert type(store).__name__ == "RemoteStore"
    assert over_http.equals(READS[name](str(served / "store.duckdb")))


def test_frames_of_a_store_and_of_its_logs_are_equal(filled: Path) -> None:
    log = EXAMPLES / "r6_grpo_resume"
    for read in (runs_df, samples_df):
        with pytest.warns(UserWarning, match="r6_grpo_resume: completions of 8 steps mix") as seen:
            of_log = read(log)
        assert seen[0].filename == __file__
        of_store = read(filled, run="r6_grpo_resume")
        assert of_log.equals(of_store.select(of_log.columns))


def test_runs_df_has_the_rows_of_an_export_and_what_the_log_says(filled: Path) -> None:
    rows = runs_df(filled)
    assert list(rows.columns)[: len(METRIC_COLUMNS)] == list(METRIC_COLUMNS)
    assert rows.columns[-len(FACTS) :] == list(FACTS)
    assert dict(rows.schema).items() >= (METRIC_COLUMNS | FACTS).items()
    with StoreAccess(filled) as store:
        one = run_rows(store, "r6_grpo_resume")
        assert rows.filter(run_id="r6_grpo_resume").select(one.columns).equals(one)
    row = rows.filter(run_id="r5_rloo").select(*FACTS).unique().row(0, named=True)
    assert row["trainer"] == "TRL RLOO" and row["kl_conversion"] == "approximate"
    assert row["max_steps"] == 300 and row["project"] == "default"
    sources = (
        rows.filter(run_id="r6_grpo_resume").group_by("phase").agg(pl.col("gold_source").max())
    )
    assert dict(sources.rows()) == {"train": "training", "eval": "evaluation"}


def test_gold_df_keeps_sources_apart(filled: Path) -> None:
    gold = gold_df(filled, run="r6_grpo_resume")
    counts = dict(gold.group_by("gold_source").len().rows())
    assert counts == {"evaluation": 8, "training": 80, "lab": 3}
    assert gold.select("run_id", "gold_source", "step").is_duplicated().sum() == 0
    lab = gold.filter(gold_source="lab")
    assert lab["gold_reward"].to_list() == [1.0, 0.5, 0.2] and lab["kl"].count() == 0
    way = runs_df(filled, run="r6_grpo_resume").drop("gold_reward")
    verdict = judge(pl.concat([way, lab], how="diagonal_relaxed")).to_dict()
    assert (verdict["gold_source"], verdict["gold_evaluations"], verdict["axis"]) == (
        "lab",
        3,
        "kl",
    )


def test_responses_and_answers_keep_their_further_numbers(filled: Path) -> None:
    samples = samples_df(filled)
    assert samples.columns[: len(SAMPLE_COLUMNS)] == list(SAMPLE_COLUMNS)
    assert samples.height == 3840 and samples["n_wrong"].count() == 3840
    answers = answers_df(filled)
    assert answers.columns == [*ANSWER_COLUMNS, "temperature"]
    assert answers.select("loop", "iteration", "question_id", "grade").rows()[1] == (
        "l", 0, "b", "incorrect",
    )  # fmt: skip


def test_paths_of_any_kind(tmp_path: Path) -> None:
    one, two = table(tmp_path / "a.csv", "a"), table(tmp_path / "b" / "b.csv", "b")
    asked = {"proxy": "rm", "gold": "judge"}
    both = runs_df(one, two, **asked)
    assert both["run_id"].unique().sort().to_list() == ["a", "b"]
    assert (both["proxy_reward"] == 1.0).all() and (both["gold_reward"] == 2.0).all()
    for sources in (
        (str(one), str(two)),
        ([one, two],),
        (tmp_path,),
        ((path for path in (one, two)),),
    ):
        assert runs_df(*sources, **asked).equals(both)
    named = runs_df(one, kl_unit="bits", project="p", **asked)
    assert named["kl"][4] == pytest.approx(0.6931, abs=1e-4)
    assert named["project"].unique().to_list() == ["p"]


def test_what_was_not_read_is_said(tmp_path: Path) -> None:
    good, bad = table(tmp_path / "a.csv"), tmp_path / "trainer_state.json"
    bad.write_text("{")
    with pytest.warns(UserWarning, match=r"trainer_state.json: .*JSON") as seen:
        assert runs_df(tmp_path, proxy="rm", gold="judge").height == 12
    assert {warning.filename for warning in seen} == {__file__}
    with pytest.raises(LogError, match=r"nothing was read.*trainer_state"):
        runs_df(bad)
    with pytest.raises(LogError, match="trainer_state"):
        runs_df(good, bad, strict=True)
    with pytest.raises(LogError, match=r"nowhere: cannot be opened"):
        runs_df(tmp_path / "nowhere")
    with pytest.warns(UserWarning, match="there are no graded answers"):
        empty = answers_df(good, proxy="rm", gold="judge")
    assert empty.is_empty() and empty.columns == list(ANSWER_COLUMNS)


def test_wrong_calls_are_said(filled: Path, tmp_path: Path) -> None:
    for wrong, sentence in (
        (lambda: runs_df("x", proxi="rm"), "no option 'proxi'; did you mean 'proxy'"),
        (lambda: runs_df(5), "5 is no path"),
        (lambda: runs_df([]), "no path was given"),
        (lambda: runs_df({"a": 1}), "is no path"),
        (lambda: runs_df(filled, proxy="rm"), "'proxy' says how logs are read"),
    ):
        with pytest.raises(TypeError, match=sentence):
            wrong()
    with pytest.raises(StoreError, match="no run 'nobody'; there are: l, r5_rloo"):
        runs_df(filled, run="nobody")
    with pytest.raises(StoreError, match="is a store; it is read alone"):
        runs_df(filled, tmp_path)


def test_the_monitors_own_store_needs_no_path(
    filled: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match=r"no store in .* yet"):
        runs_df()
    monkeypatch.setenv("OVEROPT_HOME", str(filled))
    assert runs_df(project="other")["run_id"].unique().to_list() == ["t"]
    assert runs_df(run=["t", "r5_rloo"])["run_id"].n_unique() == 2


def test_a_notebooks_verdict_is_the_stores(filled: Path) -> None:
    """r5 logged no responses, so a frame holds all that the store's verdict goes by."""
    with StoreAccess(filled) as store:
        run = store.query("runs", project=None, runs=["r5_rloo"]).row(0, named=True)
        kept = verdicts.judge(store.query, run)
        curve = store.query("curves", runs=["r5_rloo"]).filter(phase="train")
        spread = store.query("base_spread", runs=["r5_rloo"]).row(0, named=True)
    verdict = judge(runs_df(filled, run="r5_rloo"))
    row = kept.row | {"reasons": [reason for reason in kept.row["reasons"] if reason[:4] != "KL: "]}
    assert verdict.to_dict() == row
    page = reward_figure([RunCurve("r5_rloo", 0, curve, kept.looks, kept.row, spread)], "kl", "raw")
    drawn, shown = (json.loads(figure.to_json()) for figure in (verdict.plot("kl"), page))
    assert drawn == shown


def test_importing_data_is_light() -> None:
    code = (
        "import sys, data; from data import runs_df; "
        "print([name for name in ('streamlit', 'plotly', 'duckdb', 'scipy', 'pandas', 'starlette', "
        "'data.readers', 'analytics') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
    assert set(data.__all__) == {f"{name}_df" for name in READS}


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = tmp_path / "moment"
    moment.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(moment))
    log = table(tmp_path / "a.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs_df(log)
    assert list(moment.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "moment"]

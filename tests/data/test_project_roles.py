"""A project's choice of proxy, gold and KL: applied to what is there, to what comes, and kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from data.__main__ import main
from data.columns import LogError, ReadOptions
from data.database.any_store import AnyStore
from data.incoming.importing import import_paths
from data.people import project_roles
from data.remote import StoreAccess
from data.roles.rereading_kl import KL_FACTS
from data.roles.stated_roles import Roles
from data.upkeep.checking import check

ROOT = Path(__file__).resolve().parents[2]
R6 = ROOT / "data" / "examples" / "r6_grpo_resume"
GOLD, PROXY = "rewards/gold_rm/mean", "rewards/proxy_rm/mean"
SWAPPED = Roles(proxy="gold_rm", gold=PROXY)


def contents(store: AnyStore, run: str) -> dict[str, object]:
    """Everything that the store says of one run."""
    facts = json.loads(store.query("runs", project=None, runs=[run])["facts"][0])
    picked = {key: facts[key] for key in ("proxy_key", "gold_key", "gold_kind", *KL_FACTS)}
    responses = store.query("responses", run=run, first=0, last=10**9)
    return {
        "metrics": store.query("metrics", runs=[run], until=None).to_dicts(),
        "scalars": store.query("scalars", run=run).sort("phase", "step", "key").to_dicts(),
        "responses": responses.to_dicts(),
        "curve": store.query("curves", runs=[run]).to_dicts(),
        **picked,
    }


def imported(home: Path, *paths: Path, roles: Roles | None = None, **options: object) -> None:
    home.mkdir(exist_ok=True)
    import_paths(home, list(paths), ReadOptions(project="p", **options))  # type: ignore[arg-type]
    if roles is not None:
        with StoreAccess(home) as store:
            project_roles.save(store, "p", roles)


def kept(home: Path, run: str) -> dict[str, object]:
    with StoreAccess(home) as store:
        return contents(store, run)


def lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def odd(step: int, run: str = "a", scale: float = 1.0) -> dict[str, object]:
    return {"run_id": run, "step": step, "rm_score": step / 10, "judge": 1 - step / 20,
            "my_kl": scale * step / 50, "response_length": 20.0 + step}  # fmt: skip


def test_a_choice_reads_the_store_as_an_import_with_options_would(
    home: Path, tmp_path: Path
) -> None:
    imported(home, R6, roles=SWAPPED)
    imported(tmp_path / "other", R6, proxy="gold_rm", gold="proxy_rm")
    ours, theirs = kept(home, "r6_grpo_resume"), kept(tmp_path / "other", "r6_grpo_resume")
    assert ours["proxy_key"] == GOLD and ours["gold_key"] == PROXY
    for what in ours:
        assert ours[what] == theirs[what], what


def test_taking_the_choice_back_restores_what_was_recognised(home: Path) -> None:
    imported(home, R6)
    before = kept(home, "r6_grpo_resume")
    with StoreAccess(home) as store:
        changed = project_roles.save(store, "p", SWAPPED)
        assert [row["run"] for row in changed] == ["r6_grpo_resume"]
        assert contents(store, "r6_grpo_resume")["metrics"] != before["metrics"]
        project_roles.reset(store, "p")
        assert contents(store, "r6_grpo_resume") == before
        assert project_roles.chosen(store) == {}


def test_later_imports_follow_the_choice_and_nothing_is_counted_twice(
    home: Path, tmp_path: Path
) -> None:
    first = lines(tmp_path / "log.jsonl", [odd(i) | {"reward": 0.5} for i in range(10)])
    roles = Roles(proxy="rm_score", gold="judge", gold_kind="rate")
    imported(home, first, roles=roles)
    before = kept(home, "a")
    assert [row["gold_reward"] for row in before["metrics"]][:2] == [1.0, 0.95]  # type: ignore
    with StoreAccess(home) as store:
        generation = store.generation
    imported(home, first)
    with StoreAccess(home) as store:
        assert store.generation == generation  # the same log again changes nothing
    grown = [odd(i) | {"reward": 0.5} for i in range(14)]
    done = import_paths(home, [lines(first, grown)], ReadOptions())  # no --project: it is known
    assert [(run["run"], run["points"], run["replaced"]) for run in done.runs] == [("a", 4, 0)]
    imported(tmp_path / "fresh", first, proxy="rm_score", gold="judge", gold_kind="rate")
    assert kept(home, "a")["metrics"] == kept(tmp_path / "fresh", "a")["metrics"]
    assert kept(home, "a")["gold_kind"] == "rate"


def test_a_part_of_a_log_without_the_key_does_not_bring_another_gold(
    home: Path, tmp_path: Path
) -> None:
    rows = [odd(i) | {"gold": 7.0, "reward": 0.5} for i in range(6)]
    log = lines(tmp_path / "log.jsonl", rows)
    imported(home, log, roles=Roles(gold="judge"))
    lines(log, [{k: v for k, v in odd(9).items() if k != "judge"} | {"gold": 7.0, "reward": 0.5}])
    imported(home, log)
    metrics = kept(home, "a")["metrics"]
    assert [row["gold_reward"] for row in metrics][-1] is None  # type: ignore[attr-defined]


def test_options_at_import_win(home: Path, tmp_path: Path) -> None:
    log = lines(tmp_path / "log.jsonl", [odd(i) | {"other": 3.0} for i in range(4)])
    imported(home, log, proxy="rm_score", roles=Roles(gold="judge"))
    second = lines(tmp_path / "b.jsonl", [odd(i, "b") | {"other": 3.0} for i in range(4)])
    imported(home, second, proxy="rm_score", gold="other")
    assert (kept(home, "a")["gold_key"], kept(home, "b")["gold_key"]) == ("judge", "other")
    assert {row["gold_reward"] for row in kept(home, "b")["metrics"]} == {3.0}  # type: ignore


def test_kl_key_unit_and_estimator(home: Path, tmp_path: Path) -> None:
    """1 nat per token at 21 tokens is 21 nats per response, approximately."""
    rows = [odd(i, scale=50.0) for i in range(6)]
    log = lines(tmp_path / "log.jsonl", rows)
    roles = Roles(proxy="rm_score", gold="judge", kl="my_kl", kl_unit="nats/token",
                  kl_estimator="k1")  # fmt: skip
    imported(home, log, proxy="rm_score")
    before = kept(home, "a")
    with StoreAccess(home) as store:
        project_roles.save(store, "p", roles)
        found = contents(store, "a")
        assert [row["kl"] for row in found["metrics"]] == [0.0, 21.0, 44.0, 69.0, 96.0, 125.0]  # type: ignore
        assert found["kl_conversion"] == "as_stated" and found["kl_estimator"] == "k1"
        assert found["kl_logged_unit"] == "nats/token" and found["kl_key"] == "my_kl"
        project_roles.save(store, "p", Roles(kl="my_kl", kl_unit="bits"))
        bits = [row["kl"] for row in contents(store, "a")["metrics"]]  # type: ignore
        assert bits == pytest.approx([i * 0.6931471805599453 for i in range(6)])
        project_roles.save(store, "p", Roles())
        assert contents(store, "a")["metrics"] == before["metrics"]
        assert contents(store, "a")["kl_key"] is None
    imported(tmp_path / "o", log, **{**roles.to_dict(), "kl_unit": "nats/token"})
    with StoreAccess(home) as store:
        project_roles.save(store, "p", roles)
        ours, theirs = contents(store, "a"), kept(tmp_path / "o", "a")
    assert ours["metrics"] == theirs["metrics"]
    assert {key: ours[key] for key in KL_FACTS} == {key: theirs[key] for key in KL_FACTS}


def test_a_unit_fills_in_only_where_the_log_does_not_say_it(home: Path, tmp_path: Path) -> None:
    odd_log = lines(tmp_path / "log.jsonl", [odd(i) for i in range(6)])
    imported(home, R6)
    imported(home, odd_log, proxy="rm_score")
    before = kept(home, "r6_grpo_resume")
    with StoreAccess(home) as store:
        project_roles.save(store, "p", Roles(kl="my_kl", kl_unit="nats"))
        assert contents(store, "r6_grpo_resume") == before
        assert contents(store, "a")["kl_conversion"] == "as_stated"


def test_the_choice_is_rebuilt_from_the_archive(home: Path) -> None:
    imported(home, R6, roles=SWAPPED)
    before = kept(home, "r6_grpo_resume")
    (home / "store.duckdb").unlink()
    assert kept(home, "r6_grpo_resume") == before
    with StoreAccess(home) as store:
        assert project_roles.chosen(store) == {"p": SWAPPED}


def test_what_could_not_hold_is_refused(home: Path, tmp_path: Path) -> None:
    rows = [odd(i) | {"objective/rlhf_reward": 1.0, "ppo_kl": 0.1} for i in range(3)]
    imported(home, lines(tmp_path / "log.jsonl", rows), proxy="rm_score")
    with StoreAccess(home) as store:
        keys = project_roles.logged_keys(store, "p")
        assert "objective/rlhf_reward" in keys
        assert "objective/rlhf_reward" not in project_roles.proxy_keys(keys)
        offered = project_roles.kl_keys(keys)
        assert offered[0] == "my_kl" and "ppo_kl" not in offered
        for roles, why in (
            (Roles(proxy="objective/rlhf_reward"), "includes the KL penalty"),
            (Roles(gold="nothing"), "no run of p logs nothing"),
            (Roles(kl="ppo_kl"), "drift from the previous policy"),
            (Roles(kl="judge", gold="judge"), "at once"),
            (Roles(length="nothing"), "no run of p logs nothing as length"),
            (Roles(kl_reference="me"), "me is unknown"),
            (Roles(kl_coefficient="none"), "is no coefficient"),
            (Roles(proxy="judge", gold="judge"), "at once"),
            (Roles(kl_unit="metres"), "metres is unknown"),
        ):
            with pytest.raises(LogError, match=why):
                project_roles.save(store, "p", roles)
        with pytest.raises(LogError, match="there is no project 'q'"):
            project_roles.save(store, "q", Roles(gold="judge"))
        assert project_roles.chosen(store) == {}


def test_a_project_is_asked_once(home: Path, tmp_path: Path) -> None:
    imported(home, lines(tmp_path / "log.jsonl", [odd(i) for i in range(3)]), proxy="rm_score")
    imported(home, R6)
    with StoreAccess(home) as store:
        asked = project_roles.open_questions(check(store)["runs"], project_roles.chosen(store))
        assert asked == {"p": ["which key is the gold reward"]}
        project_roles.save(store, "p", Roles(gold="judge"))
        assert project_roles.open_questions(check(store)["runs"], project_roles.chosen(store)) == {}
        project_roles.reset(store, "p")
        project_roles.save(store, "p", Roles())  # there is none: that is an answer too
        assert project_roles.open_questions(check(store)["runs"], project_roles.chosen(store)) == {}
        project_roles.save(store, "p", Roles(gold="judge"))
        assert not any("--gold" in w for row in check(store)["runs"] for w in row["warnings"])


def test_verdicts_follow_a_choice(home: Path) -> None:
    from analytics.kept_verdicts.verdicts import judge

    imported(home, R6)
    with StoreAccess(home) as store:
        run = store.query("runs", project=None, runs=None).row(0, named=True)
        before = judge(store.query, run, None, None).row
        project_roles.save(store, "p", SWAPPED)
        changed = store.query("runs", project=None, runs=None).row(0, named=True)
        assert changed["generation"] > run["generation"]
        assert judge(store.query, changed, None, None).row["peak"] != before["peak"]


def test_the_command(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(home, lines(tmp_path / "log.jsonl", [odd(i) for i in range(3)]), proxy="rm_score")
    assert main(["roles", "--project", "p", "--gold", "judge", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["roles"]["gold"] == "judge" and answer["runs"][0]["gold_key"] == "judge"
    assert main(["roles", "--project", "p", "--gold-kind", "rate", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["roles"]["gold"], answer["roles"]["gold_kind"]) == ("judge", "rate")
    assert main(["roles", "--project", "p", "--gold", "nothing"]) == 1
    assert "no run of p logs nothing" in capsys.readouterr().err
    assert main(["roles", "--project", "p", "--reset", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["gold_key"] is None


def test_several_stores_of_one_run_follow_alike(home: Path, tmp_path: Path) -> None:
    """The poorer log comes after the choice, and says the same under other words."""
    run = tmp_path / "r6_grpo_resume"
    shutil.copytree(R6, run, ignore=shutil.ignore_patterns("trackio", "wandb", "tb", "comp*"))
    imported(home, run, roles=SWAPPED)
    before = pl.DataFrame(kept(home, "r6_grpo_resume")["metrics"])
    shutil.copytree(R6 / "tb", run / "tb")
    imported(home, run)
    after = pl.DataFrame(kept(home, "r6_grpo_resume")["metrics"])
    assert after["gold_reward"].to_list() == before["gold_reward"].to_list()

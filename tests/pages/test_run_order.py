"""The order of the overview: what needs a decision first, and never by gold of different units."""

from datetime import UTC, datetime

import pytest

from pages.shared.runs.run_order import Listed, grouped, groupings, ordered, tally


def listed(name: str, **changes) -> Listed:
    row = {
        "run_id": name, "project": changes.pop("project", "p"), "points": 9,
        "gold_evaluations": changes.pop("gold", 5), "step_end": 100,
        "gold_step_end": changes.pop("gold_at", 100), "kl_end": changes.pop("kl", 3.0),
        "imported_at": datetime(2026, 11, changes.pop("day", 1), tzinfo=UTC),
    }  # fmt: skip
    config, stands = changes.pop("config", {}), changes.pop("stands", False)
    return Listed(row, {"config": config, "trainer": "TRL"}, changes, stands)


def alarmed(name: str, e_value: float, lost: float, **more) -> Listed:
    return listed(name, status="overoptimized", alarm={"step": 3}, e_value=e_value,
                  gold_lost={"low": lost}, **more)  # fmt: skip


RUNS = [
    listed("quiet", status="no_onset"),
    alarmed("weak", 30.0, 1000.0),
    alarmed("unknown", 900.0, 5.0, stands=True, flags=["gold_noise_unknown"]),
    alarmed("strong", 800.0, 0.1, stands=True),
    listed("bare", status="unmeasured", gold=0, kl=None),
    listed("waiting"),
]


def names(runs) -> list[str]:
    return [one.name for one in runs]


def test_alarms_that_stand_come_first_and_unknown_noise_after_its_like() -> None:
    assert names(ordered(RUNS, "decision")) == [
        "strong", "unknown", "weak", "quiet", "bare", "waiting",
    ]  # fmt: skip


@pytest.mark.parametrize(("by", "first"), [("name", "bare"), ("kl", "quiet"), ("stale", "bare")])
def test_other_orders(by: str, first: str) -> None:
    assert names(ordered(RUNS, by))[0] == first


def test_the_newest_import_and_the_oldest_gold_first() -> None:
    runs = [listed("old", day=2, gold_at=90), listed("new", day=20, gold_at=40)]
    assert names(ordered(runs, "newest")) == ["new", "old"]
    assert names(ordered(runs, "stale")) == ["new", "old"]


def test_words_in_any_order_find_names_projects_and_settings() -> None:
    run = listed("ppo_rm7b_s1", project="Support", config={"beta": 0.05})
    assert run.matches("rm7b PPO") and run.matches("support trl") and run.matches("0.05")
    assert run.matches("") and not run.matches("ppo rm13b")


def test_groups_by_what_parts_the_runs_and_by_nothing_that_parts_each_from_each() -> None:
    runs = [
        listed(f"r{i}", config={"beta": 0.1 * (i % 2), "seed": i, "model": "m"}) for i in range(4)
    ]
    assert list(groupings(runs)) == ["beta"]
    parts = grouped([*runs, listed("bare")], "beta")
    assert [(words, names(part)) for words, part in parts] == [
        ("beta 0.0", ["r0", "r2"]), ("beta 0.1", ["r1", "r3"]), ("no beta logged", ["bare"]),
    ]  # fmt: skip
    assert grouped(runs, None) == [("", runs)]


def test_a_tally_names_the_pressing_first() -> None:
    assert tally(RUNS) == "6 runs: 3 overoptimized, 1 no onset seen, 1 no gold measured"

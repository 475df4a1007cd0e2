"""Responses that are scored more than once come in once, with every score by who gave it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.readers.responses.scored_responses import by_people
from data.remote import StoreAccess


def rows(
    source: str,
    gold: float | None,
    number: int = 0,
    step: int = 1,
    text: bool = True,
    **more: object,
) -> list[dict[str, object]]:
    """Scores of the responses to two prompts."""
    return [
        {"run_id": "a", "step": step, "phase": "eval", "prompt_id": p, "prompt": p,
         "sample_id": number, "response": f"{p} {number}" if text else None,
         "gold_reward": None if gold is None else gold + (p == "q"), "gold_source": source} | more
        for p in "pq"
    ]  # fmt: skip


def came(home: Path, *tables: list[dict[str, object]], but: tuple[str, ...] = ()) -> pl.DataFrame:
    """The stored responses after an import of each table in turn."""
    home.mkdir(exist_ok=True)
    for number, table in enumerate(tables):
        log = home.parent / f"{number}.csv"
        pl.DataFrame(table).drop(but).write_csv(log)
        done = import_paths(home, [log], ReadOptions())
        assert not done.skipped, done.skipped
    with StoreAccess(home) as store:
        return store.query("sample_rows", runs=["a"])


def scored(home: Path) -> list[tuple[object, ...]]:
    with StoreAccess(home) as store:
        found = store.query("scored", run="a", until=None)
    return sorted(found.select("step", "prompt_id", "judge", "source", "gold").rows(), key=str)


BOTH = [*rows("judge", 5.0), *rows("judge", 6.0, 1), *rows("human", 0.0, 1)]
TOGETHER = [
    (1, "p", 5.0, None, None), (1, "p", 6.0, "human", 0.0),
    (1, "q", 6.0, None, None), (1, "q", 7.0, "human", 1.0),
]  # fmt: skip


@pytest.mark.parametrize("but", [(), ("sample_id",), ("response",)])
@pytest.mark.parametrize("order", [1, -1])
def test_a_response_that_two_scored_is_one_response(
    home: Path, but: tuple[str, ...], order: int
) -> None:
    stored = came(home, BOTH[::order], but=but)
    assert stored.filter(phase="eval")["gold_reward"].sort().to_list() == [5.0, 6.0, 6.0, 7.0]
    assert stored.filter(phase="gold:human")["gold_reward"].sort().to_list() == [0.0, 1.0]
    with StoreAccess(home) as store:
        gold = store.query("gold", run="a", until=None)
    assert gold.select("source", "gold_reward", "n_responses", "n_prompts").rows() == [
        ("human", 0.5, 2, 2), ("judge", 6.0, 4, 2),
    ]  # fmt: skip
    assert scored(home) == TOGETHER


def test_labels_that_come_alone_join_what_is_there_and_the_other_way_round(home: Path) -> None:
    judge, people = BOTH[:4], BOTH[4:]
    for order in ([judge, people, people], [judge], [people]):
        assert came(home, *order).filter(phase="eval").height == 4
        assert scored(home) == TOGETHER


def test_two_raters_of_one_response_are_averaged(home: Path) -> None:
    came(home, [*BOTH, *rows("human", 1.0, 1)])
    assert [row[-1] for row in scored(home)] == [None, 0.5, None, 1.5]


@pytest.mark.parametrize("but", [(), ("sample_id",)])
@pytest.mark.parametrize("order", [1, -1])
def test_what_people_alone_scored_keeps_its_text_and_proxy(
    home: Path, but: tuple[str, ...], order: int
) -> None:
    both = [row | {"proxy_reward": 1.0} for row in BOTH]
    alone = rows("human", 3.0, 2, proxy_reward=4.0) + rows("expert", 4.0, 2, proxy_reward=4.0)
    stored = came(home, [*both, *alone][::order], but=but)
    responses = stored.filter(phase="eval").sort("prompt_id", "completion")
    assert responses["proxy_reward"].to_list() == [1.0, 1.0, 4.0] * 2
    assert responses["completion"].to_list() == [f"{p} {n}" for p in "pq" for n in range(3)]
    assert responses["gold_reward"].to_list() == [5.0, 6.0, None, 6.0, 7.0, None]
    with StoreAccess(home) as store:
        gold = store.query("gold", run="a", until=None).sort("source")
        means = store.query("metrics", runs=["a"], until=None)
    assert gold.filter(source="judge")["gold_reward"].to_list() == [6.0]
    assert gold.filter(source="human")["gold_reward"].to_list() == [2.0]
    assert means["proxy_reward"].to_list() == [2.0]


@pytest.mark.parametrize("order", [1, -1])
def test_mean_proxy_of_responses_stands_where_no_log_has_another(home: Path, order: int) -> None:
    responses = [row for step in (1, 2) for row in rows("judge", 1.0, 0, step)]
    responses += [row for step in (1, 2) for row in rows("judge", 1.0, 1, step)]
    scored_too = [row | {"proxy_reward": float(n)} for n, row in enumerate(responses)]
    log = [{"run_id": "a", "step": 1, "phase": "eval", "kl": 1.0, "proxy_reward": 9.0}]
    tables: list[list[dict[str, object]]] = [scored_too, log][::order]
    came(home, *tables)
    with StoreAccess(home) as store:
        found = store.query("metrics", runs=["a"], until=None).filter(phase="eval")
    assert found.sort("step").select("step", "proxy_reward").rows() == [(1, 9.0), (2, 4.5)]


def test_what_people_did_not_score_takes_no_score_away(home: Path) -> None:
    stored = came(home, [*BOTH, *rows("human", None, 0)])
    assert scored(home) == TOGETHER and stored.filter(phase="eval")["gold_reward"].count() == 4


def test_scores_that_cannot_be_joined_are_told(home: Path) -> None:
    home.mkdir()
    log = home.parent / "t.csv"
    pl.DataFrame(BOTH).drop("sample_id", "response").write_csv(log)
    done = import_paths(home, [log], ReadOptions())
    assert "which response of a prompt" in " ".join(done.runs[0]["warnings"])
    assert all(row[3] is None for row in scored(home))


def test_a_single_source_that_is_no_person_stays_what_it_was(home: Path) -> None:
    stored = came(home, rows("verifier", 1.0))
    assert stored["phase"].unique().to_list() == ["eval"]
    with StoreAccess(home) as store:
        gold = store.query("gold", run="a", until=None)
    assert gold["source"].to_list() == ["table of responses"]


@pytest.mark.parametrize(
    "how",
    [{"anchor": True}, {"kind": "anchor"}, {"anchor": 1}, {"anchor": "a-7"}, {"phase": "anchor"},
     {"is_anchor": True}, {"type": "anchor"}, {"anchor_id": 12}],
)  # fmt: skip
def test_anchors_are_no_responses_of_the_policy(home: Path, how: dict[str, object]) -> None:
    fixed = [one for step in (1, 2) for one in rows("judge", 9.0, 7, step)]
    plain = [one for step in (1, 2) for one in rows("judge", 1.0, 0, step)]
    no = {"anchor": 0 if how == {"anchor": 1} else False, "kind": "policy", "phase": "eval",
          "is_anchor": False, "type": "policy", "anchor_id": ""}  # fmt: skip
    no = {name: "" if how == {"anchor": "a-7"} else no[name] for name in how}
    stored = came(home, [row | how for row in fixed] + [row | no for row in plain])
    assert stored.filter(phase="eval")["gold_reward"].max() == 2.0
    with StoreAccess(home) as store:
        found = store.query("anchors", run="a", until=None)
        gold = store.query("gold", run="a", until=None)
    assert found.rows() == [
        (1, "p", "p 7", 9.0), (1, "q", "q 7", 10.0), (2, "p", "p 7", 9.0), (2, "q", "q 7", 10.0),
    ]  # fmt: skip
    assert gold["gold_reward"].to_list() == [1.5, 1.5], "their scores are no gold of the policy"


def test_anchors_need_no_prompt(home: Path) -> None:
    fixed = [one for step in (1, 2) for one in rows("judge", 9.0, 7, step, anchor=True)]
    came(home, fixed, but=("prompt_id", "prompt", "sample_id"))
    with StoreAccess(home) as store:
        found = store.query("anchors", run="a", until=None)
    assert found.rows()[:2] == [(1, None, "p 7", 9.0), (1, None, "q 7", 10.0)]


def test_another_number_of_that_name_marks_no_anchor(home: Path) -> None:
    stored = came(home, [*rows("judge", 1.0, anchor=0.25), *rows("judge", 2.0, 1, anchor=1)])
    assert stored["phase"].unique().to_list() == ["eval"] and stored.height == 4


def test_people_are_known_by_their_names() -> None:
    assert all(map(by_people, ["Human", "human_raters", "crowdworkers", "annotator 3", "experts"]))
    assert not any(map(by_people, ["judge", "gpt", "verifier", "humanity-rm", "persona"]))


def test_responses_that_go_with_their_step_are_told(home: Path) -> None:
    """A step's responses are replaced whole, so a second table of it takes the first's away."""
    home.mkdir()
    warnings = []
    for name, other in (("a", "p"), ("b", "z")):
        table = [
            row | {"prompt_id": row["prompt_id"].replace("p", other)} for row in rows("j", 1.0)
        ]
        log = home.parent / f"{name}.csv"
        pl.DataFrame(table).write_csv(log)
        (run,) = import_paths(home, [log], ReadOptions()).runs
        warnings.append([one for one in run["warnings"] if "replaced whole" in one])
    assert not warnings[0] and warnings[1][0].startswith("1 response of other prompts")

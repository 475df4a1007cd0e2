"""The further roles of a project: length, step, run column, direction, reference, coefficient."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from data.__main__ import main
from data.columns import LogError, ReadOptions
from data.incoming.importing import import_paths
from data.people import kept_roles, project_roles
from data.remote import StoreAccess
from data.roles.stated_roles import ROLE_NAMES, Roles
from tests.data.test_project_roles import contents, imported, kept, lines

ODD = "Divergence from ref."


def awkward(step: int, run: str = "a") -> dict[str, object]:
    """A row with headings that nobody knows; 0.1 nats a token over 20 tokens, gold falls."""
    return {"Arm of it": run, "Tick": step * 5, "Judge's loss": step / 10, "RM (avg.)": step / 5,
            ODD: 0.1 * step, "Tok. out": 20.0}  # fmt: skip


ROLES = Roles(
    proxy="RM (avg.)", lower_is_better="Judge's loss", kl=ODD, kl_unit="nats/token",
    length="Tok. out", step="Tick", run_column="Arm of it",
)  # fmt: skip


def saved(home: Path, roles: Roles, mend: bool = False) -> list[dict[str, object]]:
    with StoreAccess(home) as store:
        return project_roles.save(store, "p", roles, mend)


def column(home: Path, run: str, name: str) -> list[object]:
    return [row[name] for row in kept(home, run)["metrics"]]  # type: ignore[attr-defined]


def stated(roles: Roles) -> dict[str, object]:
    return {name: value for name, value in roles.to_dict().items() if value is not None}


def test_the_next_import_of_a_project_needs_no_options(home: Path, tmp_path: Path) -> None:
    first = lines(tmp_path / "first.jsonl", [awkward(i) for i in range(8)])
    imported(home, first, **stated(ROLES))
    saved(home, ROLES)
    rows = [awkward(i, run) for i in range(8) for run in ("b", "c")]
    second = lines(tmp_path / "second.jsonl", rows)
    done = import_paths(home, [second], ReadOptions(project="p"))
    assert not done.skipped and sorted(run["run"] for run in done.runs) == ["b", "c"]
    for name in ("step", "kl", "proxy_reward", "gold_reward", "response_length"):
        assert column(home, "b", name) == column(home, "a", name), name
    assert column(home, "b", "kl") == pytest.approx([2.0 * i for i in range(8)])
    assert column(home, "b", "gold_reward")[-1] == pytest.approx(-0.7)
    assert column(home, "b", "step")[-1] == 35
    other = import_paths(home, [second], ReadOptions(project="elsewhere"))
    assert other.skipped and not other.runs  # another project said nothing of its logs


def test_a_known_log_needs_no_project_either(home: Path, tmp_path: Path) -> None:
    log = lines(tmp_path / "log.jsonl", [awkward(i) for i in range(8)])
    imported(home, log, **stated(ROLES))
    saved(home, ROLES)
    lines(log, [awkward(i) for i in range(11)])
    done = import_paths(home, [log], ReadOptions())
    assert [(run["run"], run["points"], run["replaced"]) for run in done.runs] == [("a", 3, 0)]


def test_what_is_here_is_read_as_an_import_with_options_would(home: Path, tmp_path: Path) -> None:
    rows = [{"run_id": "a", "step": i, "proxy_reward": i / 9, "ppl": i / 10, "kl": i / 50,
             "tokens_out": 30.0 + i, "response_length": 20.0} for i in range(8)]  # fmt: skip
    log = lines(tmp_path / "log.jsonl", rows)
    roles = Roles(length="tokens_out", lower_is_better="ppl")
    imported(home, log, kl_unit="nats/token")
    before = kept(home, "a")
    saved(home, roles)
    imported(tmp_path / "o", log, kl_unit="nats/token", **stated(roles))
    ours, theirs = kept(home, "a"), kept(tmp_path / "o", "a")
    assert ours["metrics"] == theirs["metrics"]
    assert ours["metrics"][3]["kl"] == pytest.approx(3 / 50 * 33)  # type: ignore[index]
    assert ours["metrics"][3]["gold_reward"] == pytest.approx(-0.3)  # type: ignore[index]
    saved(home, Roles())
    assert kept(home, "a") == before


def test_a_gold_that_was_turned_round_goes_back_as_logged(home: Path, tmp_path: Path) -> None:
    rows = [{"run_id": "a", "step": i, "proxy_reward": i / 9, "ppl": i / 10, "kl": i / 5,
             "judge": 0.5} for i in range(6)]  # fmt: skip
    imported(home, lines(tmp_path / "log.jsonl", rows), lower_is_better="ppl")
    assert column(home, "a", "gold_reward")[5] == pytest.approx(-0.5)
    with StoreAccess(home) as store:
        keys = {row["key"]: row for row in store.query("scalars", run="a").to_dicts()}
        assert "ppl" not in keys
    imported(home, tmp_path / "log.jsonl", roles=Roles(gold="judge"))
    assert column(home, "a", "gold_reward") == [0.5] * 6
    with StoreAccess(home) as store:
        back = store.query("scalars", run="a").to_dicts()
    assert {row["value"] for row in back if row["key"] == "ppl"} == {i / 10 for i in range(6)}


def test_a_wrong_unit_is_mended_by_importing_again(home: Path, tmp_path: Path) -> None:
    rows = [{"run_id": "a", "step": i, "reward": i / 9, "kl": i / 50, "response_length": 20.0}
            for i in range(6)]  # fmt: skip
    log = lines(tmp_path / "log.jsonl", rows)
    imported(home, log, kl_unit="nats")
    assert column(home, "a", "kl")[5] == pytest.approx(0.1)
    imported(home, log, kl_unit="nats/token")
    assert column(home, "a", "kl")[5] == pytest.approx(2.0)
    assert kept(home, "a")["kl_logged_unit"] == "nats/token"


@pytest.mark.parametrize("first", [{"kl_unit": "nats"}, {}])
def test_a_wrong_unit_is_mended_afterwards(
    home: Path, tmp_path: Path, first: dict[str, object]
) -> None:
    """Stated by the import, or taken as ours; only where that is asked for."""
    rows = [{"run_id": "a", "step": i, "proxy_reward": i / 9, "kl": i / 50, "judge": 1.0,
             "response_length": 20.0} for i in range(6)]  # fmt: skip
    log = lines(tmp_path / "log.jsonl", rows)
    imported(home, log, **first)
    before = kept(home, "a")
    saved(home, Roles(kl_unit="nats/token"))
    assert column(home, "a", "kl") == column(home, "a", "kl")
    assert kept(home, "a")["metrics"] == before["metrics"]
    assert saved(home, Roles(kl_unit="nats/token"), mend=True)
    assert column(home, "a", "kl")[5] == pytest.approx(2.0)
    saved(home, Roles(kl_unit="nats/token", gold="judge"))  # something else: the mend stays
    assert column(home, "a", "kl")[5] == pytest.approx(2.0)
    (home / "store.duckdb").unlink()
    assert column(home, "a", "kl")[5] == pytest.approx(2.0)
    if not first:  # the same log, grown, comes in as mended
        lines(log, [{**row, "step": i} for i, row in enumerate([*rows, rows[-1]])])
        imported(home, log)
        assert column(home, "a", "kl")[5:] == pytest.approx([2.0, 2.0])
    with StoreAccess(home) as store:
        project_roles.reset(store, "p")
    assert column(home, "a", "kl")[5] == pytest.approx(0.1)


def test_a_mend_leaves_what_the_trainers_log_says(home: Path) -> None:
    r6 = Path(__file__).resolve().parents[2] / "data" / "examples" / "r6_grpo_resume"
    imported(home, r6)
    before = kept(home, "r6_grpo_resume")
    saved(home, Roles(kl_unit="nats"), mend=True)
    assert kept(home, "r6_grpo_resume")["metrics"] == before["metrics"]


def test_a_coefficient_said_afterwards(home: Path, tmp_path: Path) -> None:
    """The log of minus a coefficient times KL waits for the number, and keeps what it logged."""
    rows = [{"step": i, "ppo_actor/kl_rewards/avg": -0.05 * i,
             "ppo_actor/task_reward/avg": i / 9, "ppo_actor/update/actor_loss/avg": 0.1,
             "response_length": 10.0}
            for i in range(6)]  # fmt: skip
    log = lines(tmp_path / "areal.jsonl", rows)
    imported(home, log)
    facts = kept(home, "areal")
    assert "--kl-coefficient" in str(facts["kl_note"])
    saved(home, Roles(kl_coefficient="0.05"))
    ours = column(home, "areal", "kl")
    imported(tmp_path / "o", log, kl_coefficient="0.05")
    assert ours == pytest.approx([10.0 * i for i in range(6)])
    assert ours == column(tmp_path / "o", "areal", "kl")
    saved(home, Roles())
    assert column(home, "areal", "kl") == [None] * 6


def test_a_reference_said_afterwards(home: Path, tmp_path: Path) -> None:
    rows = [{"step": i, "reward": i / 9, "kl": i / 5} for i in range(6)]
    imported(home, lines(tmp_path / "log.jsonl", rows), run="a")
    saved(home, Roles(kl_unit="nats", kl_reference="other"))
    with StoreAccess(home) as store:
        assert contents(store, "a")["kl_reference"] == "other"
    saved(home, Roles(kl_reference="previous_policy"))
    assert column(home, "a", "kl") == [None] * 6
    assert "previous policy" in str(kept(home, "a")["kl_note"])
    saved(home, Roles())
    assert column(home, "a", "kl")[5] == 1.0


def test_the_commands_know_every_role(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from data.__main__ import _parser

    for words in (["import", "x"], ["watch", "x"], ["roles"]):
        known = vars(_parser().parse_args(words))
        assert set(ROLE_NAMES) <= set(known), words
    log = lines(tmp_path / "log.jsonl", [awkward(i) for i in range(4)])
    imported(home, log, **stated(ROLES))
    assert main(["roles", "--project", "p", "--step", "Tick", "--length", "Tok. out"]) == 0
    printed = capsys.readouterr().out
    assert "step: Tick" in printed and "length: Tok. out" in printed
    assert kept_roles.read(home) == {"p": {"step": "Tick", "length": "Tok. out"}}


def test_the_command_mends_a_unit(home: Path, tmp_path: Path) -> None:
    rows = [{"run_id": "a", "step": i, "reward": i / 9, "kl": i / 50, "response_length": 20.0}
            for i in range(6)]  # fmt: skip
    imported(home, lines(tmp_path / "log.jsonl", rows), kl_unit="nats")
    words = ["roles", "--project", "p", "--kl-unit", "nats/token"]
    assert main(words) == 0 and column(home, "a", "kl")[5] == pytest.approx(0.1)
    assert main([*words, "--mend"]) == 0 and column(home, "a", "kl")[5] == pytest.approx(2.0)


def test_what_was_said_is_repeated_for_readers_whenever_it_changes(home: Path) -> None:
    r6 = Path(__file__).resolve().parents[2] / "data" / "examples" / "r6_grpo_resume"
    imported(home, r6, roles=Roles(step="Tick"))
    (home / kept_roles.FILE).write_text("{")  # broken: the next owner writes it anew
    assert kept_roles.read(home) == {}
    with StoreAccess(home):
        assert kept_roles.read(home) == {"p": {"step": "Tick"}}
    with StoreAccess(home) as store:
        project_roles.reset(store, "p")
    assert json.loads((home / kept_roles.FILE).read_text()) == {}


def test_a_watch_reads_as_its_project_says(home: Path, tmp_path: Path) -> None:
    from data.incoming.watching import Watch

    log = lines(tmp_path / "log.jsonl", [awkward(i) for i in range(4)])
    imported(home, log, **stated(ROLES))
    saved(home, ROLES)
    log.unlink()
    new = lines(tmp_path / "new.jsonl", [awkward(i, "new") for i in range(4)])
    watch = Watch(home, [new], kept_roles.applied(home, ReadOptions(project="p")))

    def rows(of: Iterable[int]) -> None:
        lines(new, [awkward(i, "new") for i in of])
        done = watch.tick()
        assert not done.skipped
        with StoreAccess(home) as store:
            store.drain()

    rows(range(4))
    rows(range(7))
    assert column(home, "new", "kl") == pytest.approx([2.0 * i for i in range(7)])


KEYS = ["proxy_reward", "gold_reward", "reward", "ppl", "judge", "my_kl", "kl", "tokens_out",
        "response_length"]  # fmt: skip


def any_log(source: random.Random, path: Path) -> Path:
    """A small table with some of these columns, of which any value may be missing."""
    keys = source.sample(KEYS, source.randint(3, len(KEYS)))
    rows = []
    for step in range(5):
        values = {key: round(source.uniform(0.1, 3), 3) for key in keys if source.random() < 0.9}
        rows.append({"run_id": "a", "step": step, **values})
    rows.append({"run_id": "a", "step": 5, **dict.fromkeys(keys, 1.5)})
    return lines(path, rows)


def any_roles(source: random.Random, keys: list[str]) -> Roles:
    """A choice that could be made on the page."""

    def some(values: list[str]) -> str | None:
        return source.choice(values) if source.random() < 0.4 else None

    return Roles(
        proxy=some(keys), gold=some(keys), lower_is_better=some(keys), kl=some(keys),
        kl_unit=some(["nats", "nats/token", "bits"]),
        kl_reference=some(["other", "initial_policy"]),
        kl_coefficient=some(["0.05", "-2"]), length=some(keys), kl_estimator=some(["k1", "k3"]),
    )  # fmt: skip


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 24))]
)
def test_any_choices_can_be_taken_back_and_are_rebuilt(
    home: Path, tmp_path: Path, seed: int
) -> None:
    """Whatever was said in between, nothing of what was logged is lost."""
    source = random.Random(seed)
    log = any_log(source, tmp_path / "log.jsonl")
    at_import = source.choice([{}, {"kl_unit": "nats/token"}, {"lower_is_better": "ppl"}])
    done = import_paths(home, [log], ReadOptions(project="p", **at_import))  # type: ignore[arg-type]
    if not done.runs:
        done = import_paths(home, [log], ReadOptions(project="p"))
    before = kept(home, "a")
    with StoreAccess(home) as store:
        for _ in range(8):
            keys = project_roles.logged_keys(store, "p")
            roles = any_roles(source, keys)
            try:
                project_roles.save(store, "p", roles, mend=source.random() < 0.4)
            except LogError:
                continue  # one that could not hold: it is refused, and leaves no trace
        last = contents(store, "a")
    (home / "store.duckdb").unlink()
    assert same(kept(home, "a"), last)
    with StoreAccess(home) as store:
        project_roles.reset(store, "p")
        assert same(contents(store, "a"), before), seed


def same(ours: object, theirs: object) -> bool:
    """Equal, with no two zeros of one sign told apart."""
    return json.dumps(ours, sort_keys=True).replace("-0.0,", "0.0,") == json.dumps(
        theirs, sort_keys=True
    ).replace("-0.0,", "0.0,")

"""Made inputs of points 1 to 5: units, options, sanity, settings beside the log, roles."""

from __future__ import annotations

from tests.data.field_values import (
    APPROXIMATE,
    CONVERTED,
    EXACT,
    MISSING,
    NO_KL,
    STATED,
    UNKNOWN,
    Input,
    Kl,
    Run,
    Verdict,
)
from tests.data.field_writing import (
    Columns,
    Make,
    as_json,
    comma,
    json_lines,
    made,
    own,
    rows_of,
    sibling,
    table_text,
    text,
    together,
    trl,
)

ONE, TWO = made(), sibling()
TOKEN = ONE.per_token()
N = len(ONE.steps)
HALF = [step for step in ONE.steps if step % 60 == 0]


def one(name: str, kind: str, make: Make, *runs: Run, **more: object) -> Input:
    """A made input."""
    return Input(name, kind, make=make, runs=runs, **more)  # type: ignore[arg-type]


def only(curve_kl: Kl, **more: object) -> Run:
    """The made run with this KL."""
    return ONE.run(None, kls=(curve_kl,), **more)


def some(values: tuple[float, ...], steps: list[int]) -> list[float | None]:
    """Values at some of the steps, else nothing."""
    return [x if step in steps else None for step, x in zip(ONE.steps, values, strict=True)]


def dump_with_evaluation() -> str:
    """A pandas dump, tab separated with its index, in which evaluation rows stand between."""
    rows = rows_of(trl(ONE))
    for step in (240, 120):
        at = ONE.steps.index(step)
        rows.insert(at + 1, {
            "step": step, "epoch": step / 240, "eval_loss": 0.2, "eval_runtime": 9.0,
            "eval_kl": 0.9, "eval_reward": 0.7, "eval_rewards/rm/mean": 0.7,
            "eval_rewards/gold/mean": 0.3, "eval_completions/mean_length": 70.0,
        })  # fmt: skip
    keys = list(dict.fromkeys(key for row in rows for key in row))
    columns: dict[str, list[object]] = {"": list(range(len(rows)))}
    columns |= {key: [row.get(key) for row in rows] for key in keys}
    return table_text(columns, "\t")


def named(**columns: object) -> dict[str, object]:
    """Columns under names that hold slashes: ``__`` stands for one."""
    return {key.replace("__", "/"): values for key, values in columns.items()}


VERL = named(
    training__global_step=ONE.steps, actor__pg_loss=[0.1] * N, actor__ppo_kl=[2e-4] * N,
    critic__score__mean=ONE.proxy, critic__rewards__mean=[x - 0.1 for x in ONE.proxy],
    response_length__mean=ONE.length, perf__throughput=[900.0] * N,
)  # fmt: skip
TINKER = {
    "step": ONE.steps, "progress/batch": ONE.steps, "kl_policy_base": TOKEN,
    "optim/kl_sample_train_v1": [4e-4] * N, "env/all/reward/total": ONE.proxy,
    "env/all/ac_tokens_per_turn": [x / 3 for x in ONE.length],
    "env/all/turns_per_episode": [3.0] * N, "env/all/total_episodes": [64] * N,
    "env/all/total_ac_tokens": [64 * x for x in ONE.length],
    "test/env/all/reward/total": some(ONE.gold, HALF),
}  # fmt: skip
AREAL = {
    "step": ONE.steps, "ppo_actor/task_reward/avg": ONE.proxy,
    "ppo_actor/kl_rewards/avg": [-0.1 * x for x in TOKEN],
    "ppo_actor/update/approx_kl/avg": [2e-4] * N,
    "ppo_actor/seq_len/avg": [x + 30 for x in ONE.length],
    "ppo_actor/prompt_len/avg": [30.0] * N, "eval-rollout/reward": ONE.gold,
}  # fmt: skip
LINES = {
    key: values for key, values in trl(ONE).items()
    if key not in ("num_tokens", "step", "frac_reward_zero_std")
} | {"global_step/max_steps": [f"{step}/240" for step in ONE.steps]}  # fmt: skip


def swift(arguments: dict[str, object], per_response: bool) -> Make:
    """ms-swift's two files: the KL per response means that beta times it is off the reward."""
    columns: Columns = dict(LINES)
    if per_response:
        reward = [x - 0.04 * kl for x, kl in zip(ONE.proxy, ONE.kl, strict=True)]
        columns = {**columns, "kl": ONE.kl, "reward": reward}
    return together(
        json_lines("run/logging.jsonl", rows_of(columns)), as_json("run/args.json", arguments)
    )


def easyr1(settings: dict[str, object], key: str) -> Make:
    """EasyR1's nested lines and its configuration."""
    rows = [
        {"step": step, "actor": {"pg_loss": 0.01, key: kl, "ppo_kl": 2e-4},
         "critic": {"score": {"mean": proxy}, "rewards": {"mean": proxy - 0.5}},
         "response_length": {"mean": length}, "reward": {"overall": proxy, "gold": gold}}
        for step, kl, proxy, gold, length in
        zip(ONE.steps, TOKEN, ONE.proxy, ONE.gold, ONE.length, strict=True)
    ]  # fmt: skip
    return together(
        json_lines("exp/experiment_log.jsonl", rows),
        as_json("exp/experiment_config.json", settings),
    )


TABLE = "1 a trainer's table"
PER_TOKEN_HERE = Kl(ONE.kl, APPROXIMATE)
UNKNOWN_HERE = Kl(ONE.kl, UNKNOWN)
TRAINERS_TABLES = (
    one("made/trl dump with evaluation rows.tsv", TABLE, text("dump.tsv", dump_with_evaluation()),
        only(PER_TOKEN_HERE, evaluation={120: (0.7, 0.3), 240: (0.7, 0.3)})),
    one("made/trl under wandb's prefix", TABLE, comma("history.csv", {
        "_step": [3 * s for s in ONE.steps], "_runtime": ONE.length,
        **trl(ONE, "train/", "train/global_step"),
    }), only(PER_TOKEN_HERE)),
    one("made/trl in capitals", TABLE, comma("d.csv", {
        key.title(): values for key, values in trl(ONE).items()
    }), only(PER_TOKEN_HERE)),
    one("made/trl 0.15", TABLE, json_lines("a.jsonl", rows_of({
        "loss": [0.1] * N, "completion_length": ONE.length, "rewards/rm": ONE.proxy,
        "rewards/gold": ONE.gold, "reward": ONE.proxy, "reward_std": [0.1] * N, "kl": TOKEN,
        "epoch": [s / 240 for s in ONE.steps], "step": ONE.steps,
    })), only(PER_TOKEN_HERE)),
    one("made/unsloth", TABLE, comma("unsloth.csv", {
        **trl(ONE.at(range(1, 25))), "completion_length": ONE.length,
    }), ONE.at(range(1, 25)).run(None, APPROXIMATE)),
    one("made/trl with negative kl is k1", TABLE, json_lines("rloo.jsonl", rows_of({
        **trl(ONE), "kl": [-0.002, *TOKEN[1:]],
    })), only(Kl((-0.002 * ONE.length[0], *ONE.kl[1:]), APPROXIMATE))),
    one("made/trl ppo", TABLE, comma("ppo.csv", named(
        step=ONE.steps, episode=[64 * s for s in ONE.steps], objective__kl=ONE.kl,
        objective__scores=ONE.proxy, objective__rlhf_reward=[x - 1 for x in ONE.proxy],
        objective__non_score_reward=[-1.0] * N, policy__approxkl_avg=[0.01] * N,
        loss__value_avg=[0.1] * N, loss__policy_avg=[0.1] * N,
    )), only(Kl(ONE.kl, CONVERTED), golds=({},), proxy_keys=frozenset({"objective/scores"}))),
    # verl's kl_loss follows loss_agg_mode, which the table does not state.
    one("made/verl kl_loss", TABLE, comma("verl.csv", {**VERL, "actor/kl_loss": TOKEN}),
        only(Kl(TOKEN, UNKNOWN), golds=({},)), says=(r"loss_agg_mode|kl-unit",)),
    one("made/verl kl in reward", TABLE, json_lines("v.jsonl", rows_of({
        **VERL, "actor/reward_kl_penalty": TOKEN, "actor/reward_kl_penalty_coeff": [0.1] * N,
        "val-core/math/acc/mean@8": some(ONE.gold, HALF),
    })), only(PER_TOKEN_HERE, golds=(ONE.golds(6, 5),), evaluation=None,
              proxy_keys=frozenset({"critic/score/mean"}))),
    one("made/old verl", TABLE, comma("old.csv", {
        **VERL, "critic/kl": TOKEN, "critic/kl_coeff": [0.001] * N, "val/test_score/gold": ONE.gold,
    }), only(PER_TOKEN_HERE, evaluation=None, proxy_keys=frozenset({"critic/score/mean"}))),
    one("made/openrlhf", TABLE, comma("open.csv", named(
        train__global_step=ONE.steps, train__kl=TOKEN, train__reward=ONE.proxy,
        train__response_length=ONE.length, train__actor_lr=[1e-6] * N,
        train__policy_loss=[0.1] * N, **{"train__return": [x - 1 for x in ONE.proxy]},
    )), only(PER_TOKEN_HERE, golds=({},), proxy_keys=frozenset({"reward", "train/reward"}))),
    one("made/tinker of several turns", TABLE, json_lines("exp/metrics.jsonl", rows_of(TINKER)),
        ONE.run("exp", CONVERTED, golds=(ONE.golds(6, 5),), evaluation=None,
                proxy_keys=frozenset({"env/all/reward/total"}))),
    one("made/skyrl", TABLE, comma("sky.csv", {
        "trainer/global_step": ONE.steps, "policy/policy_kl": TOKEN,
        "policy/response_length": [512.0] * N, "generate/avg_num_tokens": ONE.length,
        "reward/avg_raw_reward": ONE.proxy, "loss/avg_final_rewards": [x - 1 for x in ONE.proxy],
    }), only(PER_TOKEN_HERE, golds=({},), proxy_keys=frozenset({"reward/avg_raw_reward"}))),
    one("made/oat", TABLE, comma("oat.csv", {
        "step": ONE.steps, "train/kl3": ONE.kl, "train/pg_loss": [0.1] * N,
        "actor/rewards_mean": ONE.proxy, "actor/generate_avg_str_len": [900.0] * N,
    }), only(Kl(ONE.kl, CONVERTED), golds=({},))),
    one("made/roll without settings", TABLE, comma("roll.csv", {
        "step": ONE.steps, "actor/kl_loss": TOKEN, "actor/approxkl": [2e-4] * N,
        "actor/policykl": [1e-4] * N, "critic/kl": TOKEN, "critic/score/mean": ONE.proxy,
        "critic/rewards/mean": ONE.proxy, "token/response_length/mean": ONE.length,
        "val_correct/all/mean": ONE.gold,
    }), ONE.run(None, kls=(PER_TOKEN_HERE, Kl(TOKEN, UNKNOWN)), evaluation=None,
                references=frozenset({None, "unknown", "other"})), says=(r"reference",)),
    one("made/kl beside accuracy", "1 units", comma("a.csv", {
        "step": ONE.steps, "kl": ONE.kl, "reward": ONE.proxy, "accuracy": [0.5] * N,
    }), only(UNKNOWN_HERE, golds=()), says=(r"unit",)),
    one("made/train/kl beside loss", "1 units", json_lines("b.jsonl", rows_of({
        "global_step": ONE.steps, "train/kl": ONE.kl, "train/loss": ONE.length, "gold": ONE.gold,
    })), only(UNKNOWN_HERE, proxy=None), says=(r"unit",)),
    one("made/our words under prefixes", "1 units", comma("c.csv", {
        "train/global_step": ONE.steps, "train/kl": ONE.kl, "train/proxy_reward": ONE.proxy,
        "eval/gold_reward": some(ONE.gold, HALF),
    }), only(Kl(ONE.kl, EXACT), golds=(ONE.golds(6, 5),), evaluation=None)),
    one("made/our words beside a length", "1 units", comma("d.csv", {
        **own(ONE), "response_length": ONE.length,
    }), only(Kl(ONE.kl, EXACT))),
)  # fmt: skip

STATED_HERE = Kl(ONE.kl, CONVERTED | STATED)
STRANGE = {"step": ONE.steps, "kl_div": TOKEN, "score": ONE.proxy, "toks": ONE.length,
           "judge": ONE.gold}  # fmt: skip
AS = ("--proxy", "score", "--gold", "judge")
NEVER_THE_AXIS = (
    "train/mismatch_kl", "ppo_kl", "optim/kl_sample_train_v2", "actor/update/approx_kl/avg",
    "opd_reverse_kl", "policy_kl_error", "actor/policykl", "ref_mismatch_kl",
)  # fmt: skip
OPTIONS = (
    one("made/--length", "2 options", comma("a.csv", STRANGE), only(STATED_HERE), options=(
        *AS, "--kl", "kl_div", "--kl-unit", "nats/token", "--length", "toks",
    )),
    one("made/--kl without a unit", "2 options", comma("b.csv", STRANGE),
        only(Kl(TOKEN, UNKNOWN | STATED)), options=(*AS, "--kl", "kl_div")),
    one("made/--kl-unit bits", "2 options", comma("c.csv", {
        **own(ONE), "kl": [kl / 0.6931471805599453 for kl in ONE.kl],
    }), only(Kl(ONE.kl, EXACT | STATED)), options=("--kl-unit", "bits")),
    one("made/--step and --run-column", "2 options", comma("d.csv", {
        "batch": ONE.steps * 2, "trial": ["x"] * N + ["y"] * N, "kl": ONE.kl + TWO.kl,
        "proxy_reward": ONE.proxy + TWO.proxy, "gold_reward": ONE.gold + TWO.gold,
    }), ONE.run("x"), TWO.run("y"), options=("--step", "batch", "--run-column", "trial")),
    one("made/--lower-is-better", "2 options", comma("e.csv", {
        "step": ONE.steps, "kl": ONE.kl, "proxy_reward": ONE.proxy,
        "perplexity": [round(9 - x, 5) for x in ONE.gold],
    }), only(Kl(None, EXACT), golds=()), options=(
        "--gold", "perplexity", "--lower-is-better", "perplexity",
    ), verdict=Verdict(peak_step=(40, 110))),
    *(one(f"made/--kl {key} is refused", "2 options", comma("f.csv", {
        "step": ONE.steps, key: TOKEN, "proxy_reward": ONE.proxy, "gold_reward": ONE.gold,
    }), only(NO_KL), options=("--kl", key), or_refused=True,
        says=(r"previous|old|engine|rollout|teacher|drift|not .*initial",))
      for key in NEVER_THE_AXIS),
    one("made/kl_loss that is a coefficient times KL", "2 options", comma("g.csv", {
        "step": ONE.steps, "kl_loss": [0.01 * x for x in TOKEN], "kl_coef": [0.01] * N,
        "proxy_reward": ONE.proxy, "gold_reward": ONE.gold,
    }), only(NO_KL), options=("--kl", "kl_loss"), or_refused=True, says=(r"coefficient",)),
    one("made/--kl-coefficient", "2 options", comma("h.csv", AREAL),
        only(STATED_HERE, evaluation=None), options=("--kl-coefficient", "0.1")),
    one("made/the coefficient is not known", "2 options", comma("i.csv", AREAL), ONE.run(None, kls=(
        Kl((), MISSING | UNKNOWN), Kl(tuple(-0.1 * x for x in TOKEN), UNKNOWN),
        Kl(tuple(0.1 * x for x in TOKEN), UNKNOWN),
    ), evaluation=None), says=(r"kl-coefficient",)),
    one("made/a unit said later mends", "2 options", comma("j.csv", {
        "step": ONE.steps, "kl": TOKEN, "reward": ONE.proxy, "gold": ONE.gold,
        "response_length": ONE.length,
    }), only(STATED_HERE), then=("--kl-unit", "nats/token")),
    one("made/a wrong unit said first is mended", "2 options", comma("k.csv", {
        **own(ONE), "response_length": ONE.length,
    }), only(Kl(ONE.kl, EXACT | STATED)), options=("--kl-unit", "nats/token"),
        then=("--kl-unit", "nats/response")),
)  # fmt: skip

SUSPECT = (r"per token|plausible|too (large|high|big)|thousand|cannot|needs? no|doubt",)
ANY_KL = Kl(None, CONVERTED | UNKNOWN | STATED | MISSING)
SANITY = (
    one("made/a KL in the thousands", "3 sanity", comma("a.csv", {
        **own(ONE), "kl": [500 * x for x in ONE.kl],
    }), only(ANY_KL), says=SUSPECT),
    one("made/more than two nats a token", "3 sanity", json_lines("b.jsonl", rows_of({
        **own(ONE), "response_length": [4.0] * N,
    })), only(ANY_KL), says=SUSPECT),
    one("made/a KL that a proxy below 1 cannot need", "3 sanity", comma("c.csv", {
        **own(ONE), "kl": [40 * x for x in ONE.kl],
        "proxy_reward": [round(0.1 + i / 30, 4) for i in range(N)],
    }), only(ANY_KL, proxy=None), says=SUSPECT),
    one("made/two logs of one run a length apart", "3 sanity", together(
        comma("x/one.csv", {"run_id": ["r"] * N, **own(ONE), "response_length": ONE.length}),
        comma("x/two.csv", {"run_id": ["r"] * N, **own(ONE), "kl": TOKEN}),
    ), ONE.run("r", kls=(ANY_KL,), golds=()), says=(r"length|per token|times",)),
)  # fmt: skip

RM = frozenset({"rewards/rm/mean"})
SETTINGS = (
    one("made/ms-swift reinforce_plus_plus", "4 settings", swift({
        "rlhf_type": "grpo", "advantage_estimator": "reinforce_plus_plus", "beta": 0.04,
    }, True), ONE.run("run", CONVERTED, proxy_keys=RM)),
    one("made/ms-swift grpo with kl_in_reward", "4 settings", swift({
        "rlhf_type": "grpo", "advantage_estimator": "grpo", "kl_in_reward": True, "beta": 0.04,
    }, True), ONE.run("run", CONVERTED, proxy_keys=RM)),
    one("made/ms-swift rloo without kl_in_reward", "4 settings", swift({
        "rlhf_type": "grpo", "advantage_estimator": "rloo", "kl_in_reward": False, "beta": 0.04,
    }, False), ONE.run("run", APPROXIMATE, proxy_keys=RM | {"reward"})),
    one("made/easyr1 mean of means", "4 settings", easyr1({
        "algorithm": {"kl_penalty": "low_var_kl", "use_kl_loss": True},
        "worker": {"actor": {"loss_avg_mode": "seq"}},
    }, "kl_loss"), ONE.run("exp", APPROXIMATE)),
    one("made/easyr1 kl in reward", "4 settings", easyr1({
        "algorithm": {"kl_penalty": "kl", "use_kl_loss": False},
        "worker": {"actor": {"loss_avg_mode": "token"}},
    }, "kl_penalty"), ONE.run("exp", APPROXIMATE, proxy_keys=frozenset(
        {"critic/score/mean", "reward/overall"},
    ))),
    one("made/tinker without a penalty", "4 settings", together(
        json_lines("t/metrics.jsonl", rows_of({k: v for k, v in TINKER.items()
                                               if k != "kl_policy_base"})),
        as_json("t/config.json", {"model_name": "m", "kl_penalty_coef": 0.0}),
    ), ONE.run("t", kls=(NO_KL,), golds=(ONE.golds(6, 5),), evaluation=None),
        says=(r"KL is missing|no KL|kl_penalty_coef",)),
)  # fmt: skip


def mlflow(metrics: Columns, params: dict[str, str]) -> Make:
    """One run in MLflow's file store."""
    files = {f"metrics/{key}": "".join(
        f"{1_790_000_000_000 + 1000 * i} {x} {step}\n"
        for i, (step, x) in enumerate(zip(ONE.steps, values, strict=True))
    ) for key, values in metrics.items()}  # fmt: skip
    files |= {f"params/{key}": value for key, value in params.items()}
    files["meta.yaml"] = (
        "run_id: fff\nrun_name: weights\nlifecycle_stage: active\nstart_time: 1790000000000\n"
    )
    top = "experiment_id: '7'\nlifecycle_stage: active\nname: e\n"
    return together(
        text("mlruns/7/meta.yaml", top),
        *(text(f"mlruns/7/fff/{name}", content) for name, content in files.items()),
    )


def functions(**named_values: object) -> dict[str, object]:
    """TRL's keys with other reward functions."""
    kept = {k: v for k, v in trl(ONE).items() if not k.startswith("rewards/")}
    return kept | {f"rewards/{name}/mean": values for name, values in named_values.items()}


NO_GOLD = (r"no gold|gold.* answer|reference",)
ROLES = (
    one("made/gold holds reference answers", "5 roles", json_lines("a.jsonl", [
        {"step": step, "kl": kl, "proxy_reward": proxy, "gold": ("18", "3", "70000")[i % 3]}
        for i, (step, kl, proxy) in enumerate(zip(ONE.steps, ONE.kl, ONE.proxy, strict=True))
    ]), only(Kl(ONE.kl, EXACT), golds=({},)), says=NO_GOLD),
    one("made/gold holds answers of responses", "5 roles", json_lines("b.jsonl", [
        {"step": step, "prompt": f"q{i}", "completion": f"it is {i}", "reward": 0.25 * (i % 4),
         "gold": f"#### {17 * i % 101}"}
        for step in (10, 20, 30) for i in range(8)
    ]), Run(None, golds=({},), samples=24, rows=3), more_runs=True, says=NO_GOLD),
    one("made/gold holds whole numbers beside a pred column", "5 roles", comma("c.csv", {
        "step": [10] * 6, "question": [f"q{i}" for i in range(6)], "pred": [18, 4, 7, 9, 1, 3],
        "gold": [18, 3, 70000, 540, 20, 64],
    }), refused=True, says=(r"question_id|grade",), never=(r"gold evaluation",)),
    one("made/a column without a name", "5 roles", comma("d.csv", {
        "step": ONE.steps, "kl": ONE.kl, "": [1.0] * N, "proxy_reward": ONE.proxy,
    }), only(Kl(ONE.kl, EXACT), golds=({},)), says=(r"no gold",)),
    one("made/a key without a name in a state", "5 roles", as_json("s/trainer_state.json", {
        "log_history": rows_of({**functions(a=ONE.proxy), "": [1.0] * N}), "logging_steps": 10,
    }), ONE.run("s", APPROXIMATE, golds=({},)), says=(r"no gold",)),
    one("made/weights in MLflow have no order", "5 roles", mlflow(
        functions(helpful=ONE.proxy, gold_judge=ONE.gold),
        {"reward_weights": "[1.0, 0.0]", "beta": "0.04"},
    ), ONE.run("weights", APPROXIMATE, proxy_keys=frozenset({"rewards/helpful/mean", "reward"}))),
    one("made/weights in MLflow, gold first by name", "5 roles", mlflow(
        functions(a_gold=ONE.gold, z_model=ONE.proxy) | {
            "reward": [a + b for a, b in zip(ONE.proxy, ONE.gold, strict=True)]},
        {"reward_weights": "[1.0, 0.0]", "beta": "0.04"},
    ), ONE.run("weights", APPROXIMATE, proxy_keys=frozenset({"rewards/z_model/mean"}))),
    one("made/no proxy", "5 roles", comma("f.csv", {
        "step": ONE.steps, "kl": ONE.kl, "gold_reward": ONE.gold,
    }), only(Kl(ONE.kl, EXACT), proxy=(None,) * N), says=(r"no proxy",),
        verdict=Verdict(never=r"proxy.{0,40}(did not|does not|has not|nor) ")),
    one("made/gold is the proxy", "5 roles", json_lines("g.jsonl", rows_of({
        **own(ONE), "gold_reward": ONE.proxy,
    })), ONE.run(None, golds=(dict(zip(ONE.steps, ONE.proxy, strict=True)),)),
        says=(r"equal|the same|identical",)),
    one("made/gold is the proxy at every look", "5 roles", comma("h.csv", {
        **own(ONE), "gold_reward": some(ONE.proxy, HALF),
    }), only(Kl(ONE.kl, EXACT), golds=(
        {step: x for step, x in zip(ONE.steps, ONE.proxy, strict=True) if step in HALF},
    )), says=(r"equal|the same|identical",)),
)  # fmt: skip

MADE_UNITS = (*TRAINERS_TABLES, *OPTIONS, *SANITY, *SETTINGS, *ROLES)
"""Made inputs of the first five kinds."""

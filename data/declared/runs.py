"""The tables of runs: metrics and the curve pooled from them, gold, responses, behaviours."""

from __future__ import annotations

from data.declared.kinds import (
    EXTRA,
    NUMBER,
    PAIRS,
    RANK,
    SMALL,
    TEXT,
    WHOLE,
    Column,
    Metric,
    Table,
)

METRICS = Table(
    "metrics",
    "One row a (run_id, phase, step): what the trainer logged, units converted",
    (
        Column("run_id", TEXT, "Run", True),
        Column("phase", TEXT, "train, or eval: an evaluation on prompts held apart", True),
        Column("step", WHOLE, "Optimiser step of the trainer (best-of-n: n)", True),
        Metric("stretch", SMALL,
            "Counts up where the proxy was retrained or the KL reference changed"),
        Metric("kl", NUMBER,
            "D_KL(policy || initial policy), nats per response; null = not measured", by_role=True,
            pooled=True),
        Metric("proxy_reward", NUMBER,
            "Mean proxy reward before any KL penalty, units of the reward model",
            names=("proxy_reward", "proxy_reward_mean", "proxy", "reward", "reward_mean",
                "reward/mean", "reward_avg", "reward_proxy", "rewards_proxy", "proxy_score",
                "score_proxy", "rm_score", "rm_reward", "reward_model_score"),
            by_role=True, pooled=True),
        Metric("proxy_reward_sd", NUMBER,
            "Standard deviation between responses, units of the reward model",
            names=("proxy_reward_sd", "rollout/reward_std"), by_role=True),
        Metric("gold_reward", NUMBER, "Mean gold reward, units of the gold measure",
            names=("gold_reward", "gold_reward_mean", "gold", "gold_score", "gold_accuracy",
                "gold_win_rate", "reward_gold", "rewards_gold", "score_gold"),
            by_role=True, pooled=True),
        Metric("gold_reward_sd", NUMBER,
            "Standard deviation between responses, units of the gold measure", by_role=True),
        Metric("gold_reward_se", NUMBER,
            "Standard error of the mean as logged, units of the gold measure"),
        Metric("n_responses", WHOLE, "Responses behind the means, count",
            names=("n_responses", "gold_reward_n", "rollout/num_samples")),
        Metric("n_prompts", WHOLE, "Distinct prompts behind the means, count"),
        Metric("response_length", NUMBER, "Mean response length, tokens", pooled=True,
            title="response length<br>tokens",
            names=("response_length", "completions/mean_length", "completion_length",
                "tokens/responses_len_mean", "avg_response_len", "response_length/mean",
                "rollout/response_length_mean", "mean_completion_len", "mean_completion_length",
                "completion_tokens", "gen_len_mean", "mean_response_length", "avg_response_length",
                "mean_response_len", "response_len", "response_tokens", "output_length",
                "mean_output_length", "generation_length", "mean_generation_length",
                "avg_completion_length", "completion_len", "num_generated_tokens",
                "response_lengths")),
        Metric("entropy", NUMBER, "Mean entropy of the next token, nats per token", pooled=True,
            title="entropy<br>nats per token",
            names=("entropy", "policy/entropy_avg", "entropy_avg", "actor/entropy")),
        Metric("clipped_share", NUMBER, "Responses cut off at the length limit, share 0..1",
            pooled=True, title="clipped<br>% of responses", factor=100.0,
            names=("clipped_share", "completions/clipped_ratio", "response_length/clip_ratio",
                "rollout/truncated_rate", "response_clip_ratio")),
        Column("gold_version", TEXT,
            "Who judged gold and how (judge model, rubric, prompt set), as logged"),
    ),
    beside=(RANK,),
    file="metrics",
    further="scalars",
)  # fmt: skip
"""Its key is (run_id, phase, step)."""

GOLD = Table(
    "gold_evaluations",
    "Gold measured apart from the training log, joined by step",
    (
        Column("run_id", TEXT, "Run", True),
        Column("source", TEXT, "Who measured; sources are never pooled", True),
        Column("step", WHOLE, "Optimiser step of the trainer", True),
        Column("gold_reward", NUMBER, "Mean gold reward, units of this gold measure"),
        Column("gold_reward_se", NUMBER, "Standard error as stated, same units"),
        Column("gold_reward_sd", NUMBER, "Standard deviation between responses, same units"),
        Column("n_responses", WHOLE, "Responses behind the mean, count"),
        Column("kind", TEXT, "score, rate (of trials) or win_rate"),
        Column("n_prompts", WHOLE, "Distinct prompts behind the mean, count"),
        Column("gold_version", TEXT,
            "Who judged and how (judge model, rubric, prompt set), as logged"),
    ),
    file="gold",
)  # fmt: skip
"""Its key is (run_id, source, step)."""

SAMPLES = Table(
    "samples",
    "One row a logged response",
    (
        Column("run_id", TEXT, "Run", True),
        Column("phase", TEXT,
            "train, eval, or mixed (one file held both and they cannot be told apart)", True),
        Column("step", WHOLE, "Optimiser step of the trainer", True),
        Column("prompt_id", TEXT, "Stable id of the prompt"),
        Column("sample_id", WHOLE, "Number of the response within (step, prompt)"),
        Column("prompt", TEXT, "Prompt, text as logged"),
        Column("completion", TEXT, "Response, text as logged"),
        Column("proxy_reward", NUMBER, "Proxy reward, units of the reward model"),
        Column("gold_reward", NUMBER, "Gold reward, units of the gold measure"),
        Column("logprob_policy", NUMBER,
            "Log-probability under the policy, nats summed over the response"),
        Column("logprob_reference", NUMBER,
            "Log-probability under the reference, nats summed over the response"),
        Column("text_id", TEXT, "Id of the response as logged; null = it had none of its own"),
    ),
    beside=(Column("extra", PAIRS, EXTRA.format("response")),),
    file="samples",
    further="extra",
)  # fmt: skip
"""Its key is (run_id, phase, step, prompt_id, sample_id)."""

BEHAVIOURS = Table(
    "behaviours",
    "One row a trajectory and behaviour that was looked for: whether it was seen",
    (
        Column("run_id", TEXT, "Run", True),
        Column("step", WHOLE, "Optimiser step of the trainer (of a loop: the iteration)", True),
        Column("trajectory_id", TEXT, "Stable id of the trajectory within its step", True),
        Column("environment", TEXT, "Environment or task of the trajectory", True),
        Column("behaviour", TEXT, "What was looked for, as the monitor calls it", True),
        Column("value", WHOLE, "1 = seen, 0 = looked for and not seen", True),
        Column("source", TEXT, "Who looked: monitor, scanner, tests; sources are never pooled",
            True),
    ),
    file="behaviours",
)  # fmt: skip
"""Its key is (run_id, step, environment, trajectory_id, behaviour, source)."""

MEASURED = tuple(column for column in METRICS.columns if isinstance(column, Metric))
"""The numbers of a metric row."""

POOLED = Table(
    "pooled_curve",
    "Rollup: at most 256 bins of consecutive rows a run and phase, for drawing",
    (
        Column("run_id", TEXT, "Run", True),
        Column("phase", TEXT, "train or eval", True),
        Column("bin", SMALL, "Number of the bin in step order, from 0", True),
        Column("step_start", WHOLE, "First optimiser step in the bin", True),
        Column("step_end", WHOLE, "Last optimiser step in the bin", True),
        Column("n_rows", WHOLE, "Metric rows in the bin, count", True),
        *(
            Column(metric.name, NUMBER, f"Mean over the bin of: {metric.comment}")
            for metric in MEASURED
            if metric.pooled
        ),
        Column("stretch", SMALL, "First segment in the bin"),
    ),
)
"""The rollup that curves are drawn from; its key is (run_id, phase, bin)."""

-- The store, version 1. Every column has a comment with its unit; a test holds this.

create table store_version (version integer not null, done_at timestamp not null default current_timestamp);
comment on table store_version is 'Schema versions this store has had, the largest is in force';
comment on column store_version.version is 'Schema version, a whole number';
comment on column store_version.done_at is 'When the store came to this version, local time';

create table segments (
    segment varchar not null, kind varchar not null, done_at timestamp not null default current_timestamp,
    result varchar not null
);
comment on table segments is 'Batches from the inbox that are in the tables: the idempotency key';
comment on column segments.segment is 'Folder name of the batch in inbox/ and then archive/';
comment on column segments.kind is 'import or forget';
comment on column segments.done_at is 'When the batch was committed, local time';
comment on column segments.result is 'What came of it, JSON: runs with rows added, renamed, replaced';

create table generation (number bigint not null);
comment on table generation is 'One row: counts up with every change of the tables';
comment on column generation.number is 'Store generation, the key of every cache';

create table runs (
    run_id varchar not null, project varchar not null, format varchar not null,
    parent varchar not null, path varchar not null, facts varchar not null, warnings varchar not null,
    ordinal integer not null, imported_at timestamp not null default current_timestamp,
    generation bigint not null
);
comment on table runs is 'One row a run: where it came from and what its log says besides numbers';
comment on column runs.run_id is 'Stable name of the run (slug, or verbatim from a run_id column)';
comment on column runs.project is 'Project the run belongs to, default when none was given';
comment on column runs.format is 'Format of the richest log that was read';
comment on column runs.parent is 'Name of the folder above the run, to tell runs of one name apart';
comment on column runs.path is 'Where the log was read last';
comment on column runs.facts is 'RunFacts as JSON: trainer, KL key, estimator, unit, reference, sources';
comment on column runs.warnings is 'Sentences from the last import, JSON list';
comment on column runs.ordinal is 'Number of the run in order of arrival, from 0: its colour on every page';
comment on column runs.imported_at is 'When the run last changed, local time';
comment on column runs.generation is 'Store generation at which the run last changed';

create table metrics (
    run_id varchar not null, phase varchar not null, step bigint not null, stretch integer,
    kl double, proxy_reward double, proxy_reward_sd double, gold_reward double,
    gold_reward_sd double, gold_reward_se double, n_responses bigint, response_length double,
    entropy double, clipped_share double, source_rank integer not null
);
comment on table metrics is 'One row a (run_id, phase, step): what the trainer logged, units converted';
comment on column metrics.run_id is 'Run';
comment on column metrics.phase is 'train, or eval: an evaluation on prompts held apart';
comment on column metrics.step is 'Optimiser step of the trainer (best-of-n: n)';
comment on column metrics.stretch is 'Counts up where the proxy was retrained or the KL reference changed';
comment on column metrics.kl is 'D_KL(policy || initial policy), nats per response; null = not measured';
comment on column metrics.proxy_reward is 'Mean proxy reward before any KL penalty, units of the reward model';
comment on column metrics.proxy_reward_sd is 'Standard deviation between responses, units of the reward model';
comment on column metrics.gold_reward is 'Mean gold reward, units of the gold measure';
comment on column metrics.gold_reward_sd is 'Standard deviation between responses, units of the gold measure';
comment on column metrics.gold_reward_se is 'Standard error of the mean as logged, units of the gold measure';
comment on column metrics.n_responses is 'Responses behind the means, count';
comment on column metrics.response_length is 'Mean response length, tokens';
comment on column metrics.entropy is 'Mean entropy of the next token, nats per token';
comment on column metrics.clipped_share is 'Responses cut off at the length limit, share 0..1';
comment on column metrics.source_rank is 'Richness of the log the row came from, 0 = richest';

create table scalars (
    run_id varchar not null, phase varchar not null, step bigint not null, key varchar not null,
    value double, source_rank integer not null
);
comment on table scalars is 'Every further number of the log, under its logged name';
comment on column scalars.run_id is 'Run';
comment on column scalars.phase is 'train or eval';
comment on column scalars.step is 'Optimiser step of the trainer';
comment on column scalars.key is 'Name as logged';
comment on column scalars.value is 'Value, unit as logged';
comment on column scalars.source_rank is 'Richness of the log the value came from, 0 = richest';

create table samples (
    run_id varchar not null, phase varchar not null, step bigint not null,
    prompt_id varchar, sample_id bigint, prompt varchar, completion varchar,
    proxy_reward double, gold_reward double, logprob_policy double, logprob_reference double,
    extra map(varchar, double)
);
comment on table samples is 'One row a logged response';
comment on column samples.run_id is 'Run';
comment on column samples.phase is 'train, eval, or mixed (one file held both and they cannot be told apart)';
comment on column samples.step is 'Optimiser step of the trainer';
comment on column samples.prompt_id is 'Stable id of the prompt';
comment on column samples.sample_id is 'Number of the response within (step, prompt)';
comment on column samples.prompt is 'Prompt, text as logged';
comment on column samples.completion is 'Response, text as logged';
comment on column samples.proxy_reward is 'Proxy reward, units of the reward model';
comment on column samples.gold_reward is 'Gold reward, units of the gold measure';
comment on column samples.logprob_policy is 'Log-probability under the policy, nats summed over the response';
comment on column samples.logprob_reference is 'Log-probability under the reference, nats summed over the response';
comment on column samples.extra is 'Further numbers of the response by logged name, units as logged';

create table prompt_rewards (
    run_id varchar not null, step bigint not null, prompt_id varchar not null, n bigint not null,
    gold_reward double, proxy_reward double
);
comment on table prompt_rewards is 'Rollup: training responses averaged by step and prompt';
comment on column prompt_rewards.run_id is 'Run';
comment on column prompt_rewards.step is 'Optimiser step of the trainer';
comment on column prompt_rewards.prompt_id is 'Stable id of the prompt';
comment on column prompt_rewards.n is 'Responses, count';
comment on column prompt_rewards.gold_reward is 'Mean gold reward, units of the gold measure';
comment on column prompt_rewards.proxy_reward is 'Mean proxy reward, units of the reward model';

create table pooled_curve (
    run_id varchar not null, phase varchar not null, bin integer not null,
    step_start bigint not null, step_end bigint not null, n_rows bigint not null,
    kl double, proxy_reward double, gold_reward double, response_length double, entropy double,
    clipped_share double, stretch integer
);
comment on table pooled_curve is 'Rollup: at most 256 bins of consecutive rows a run and phase, for drawing';
comment on column pooled_curve.run_id is 'Run';
comment on column pooled_curve.phase is 'train or eval';
comment on column pooled_curve.bin is 'Number of the bin in step order, from 0';
comment on column pooled_curve.step_start is 'First optimiser step in the bin';
comment on column pooled_curve.step_end is 'Last optimiser step in the bin';
comment on column pooled_curve.n_rows is 'Metric rows in the bin, count';
comment on column pooled_curve.kl is 'Mean KL, nats per response';
comment on column pooled_curve.proxy_reward is 'Mean proxy reward, units of the reward model';
comment on column pooled_curve.gold_reward is 'Mean gold reward, units of the gold measure';
comment on column pooled_curve.response_length is 'Mean response length, tokens';
comment on column pooled_curve.entropy is 'Mean entropy, nats per token';
comment on column pooled_curve.clipped_share is 'Mean share of clipped responses, 0..1';
comment on column pooled_curve.stretch is 'First stretch in the bin';

create table run_summary (
    run_id varchar not null, points bigint not null, gold_evaluations bigint not null,
    samples bigint not null, answers bigint not null, step_end bigint, kl_end double,
    gold_step_end bigint, gold_kl_end double, kl_rows bigint not null
);
comment on table run_summary is 'Rollup: one row a run, what the overview and list need';
comment on column run_summary.run_id is 'Run';
comment on column run_summary.points is 'Metric rows, count';
comment on column run_summary.gold_evaluations is 'Rows with a gold reward over all sources, count';
comment on column run_summary.samples is 'Logged responses, count';
comment on column run_summary.answers is 'Graded answers, count';
comment on column run_summary.step_end is 'Last optimiser step';
comment on column run_summary.kl_end is 'KL of the last row that has one, nats per response';
comment on column run_summary.gold_step_end is 'Last optimiser step with a gold reward';
comment on column run_summary.gold_kl_end is 'Last KL at or before the last gold reward, nats per response';
comment on column run_summary.kl_rows is 'Metric rows with a KL, count';

create table verdicts (
    run_id varchar not null, until_step bigint not null, gold_source varchar not null,
    method varchar not null, generation bigint not null, verdict varchar not null,
    looks varchar not null
);
comment on table verdicts is 'Verdicts as last computed, a cache: dropped and rebuilt at will';
comment on column verdicts.run_id is 'Run';
comment on column verdicts.until_step is 'Last step taken into account; -1 = all';
comment on column verdicts.gold_source is 'Gold source asked for; empty = the default';
comment on column verdicts.method is 'Fingerprint of the method that computed it';
comment on column verdicts.generation is 'Generation of the run that it was computed from';
comment on column verdicts.verdict is 'The verdict, JSON as in verdict --json';
comment on column verdicts.looks is 'The pooled looks, JSON rows, for drawing';

create table gold_evaluations (
    run_id varchar not null, source varchar not null, step bigint not null, gold_reward double,
    gold_reward_se double, gold_reward_sd double, n_responses bigint, kind varchar
);
comment on table gold_evaluations is 'Gold measured apart from the training log, joined by step';
comment on column gold_evaluations.run_id is 'Run';
comment on column gold_evaluations.source is 'Who measured; sources are never pooled';
comment on column gold_evaluations.step is 'Optimiser step of the trainer';
comment on column gold_evaluations.gold_reward is 'Mean gold reward, units of this gold measure';
comment on column gold_evaluations.gold_reward_se is 'Standard error as stated, same units';
comment on column gold_evaluations.gold_reward_sd is 'Standard deviation between responses, same units';
comment on column gold_evaluations.n_responses is 'Responses behind the mean, count';
comment on column gold_evaluations.kind is 'score, rate (of trials) or win_rate';

create table skips (path varchar not null, reason varchar not null, seen_at timestamp not null);
comment on table skips is 'What an import named, or took for a log, and could not read; gone when it reads';
comment on column skips.path is 'File or folder';
comment on column skips.reason is 'One sentence: file, line or column, and what was expected';
comment on column skips.seen_at is 'When the import met it, local time';

insert into store_version (version) values (1);
insert into generation values (0);

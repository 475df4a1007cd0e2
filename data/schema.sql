-- The store, version 1, beside the tables that data/declared declares. Every column has a
-- comment with its unit; a test holds this.

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

create table skips (path varchar not null, reason varchar not null, seen_at timestamp not null);
comment on table skips is 'What an import named, or took for a log, and could not read; gone when it reads';
comment on column skips.path is 'File or folder';
comment on column skips.reason is 'One sentence: file, line or column, and what was expected';
comment on column skips.seen_at is 'When the import met it, local time';

insert into store_version (version) values (1);
insert into generation values (0);

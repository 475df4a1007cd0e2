-- One segment into the tables. Reads the temporary tables incoming_* and merged_metrics (data.database.ddl:
-- where a row is already there, the richer log wins and the other fills what it lacks), leaves
-- changes_by_run.
create or replace temp table changed_metrics as
select * from merged_metrics
except select m.* from metrics m semi join merged_metrics using (run_id, phase, step);

create or replace temp table new_metrics as
select i.* from incoming_metrics i anti join metrics m using (run_id, phase, step);

create or replace temp table changed_scalars as
select i.* from incoming_scalars i
join scalars s using (run_id, phase, step, key)
where i.source_rank < s.source_rank
    or (i.source_rank = s.source_rank and i.value is distinct from s.value);

create or replace temp table new_scalars as
select i.* from incoming_scalars i anti join scalars s using (run_id, phase, step, key);

-- Responses are kept or replaced by whole steps: trainers write them so.
create or replace temp table step_prints as
select run_id, phase, step, count(*) as n,
    sum(hash(prompt_id, sample_id, completion, proxy_reward, gold_reward)::hugeint) as print
from incoming_samples group by run_id, phase, step;

create or replace temp table kept_prints as
select s.run_id, s.phase, s.step, count(*) as n,
    sum(hash(s.prompt_id, s.sample_id, s.completion, s.proxy_reward, s.gold_reward)::hugeint) as print
from samples s semi join step_prints p using (run_id, phase, step)
group by s.run_id, s.phase, s.step;

create or replace temp table changed_steps as
select p.run_id, p.phase, p.step, (k.n is null) as is_new
from step_prints p left join kept_prints k using (run_id, phase, step)
where k.n is null or k.n <> p.n or k.print <> p.print;

-- What changed in rows that were there: gold that they lacked, values that the same kind of log
-- now states otherwise (a poorer log that is filled or overruled replaces no step).
create or replace temp table told_metrics as
select c.run_id, count(*) as changed,
    sum(case when m.gold_reward is null and c.gold_reward is not null then 1 else 0 end) as golds,
    sum(case when i.source_rank = m.source_rank and (
        (m.kl is not null and c.kl is distinct from m.kl)
        or (m.proxy_reward is not null and c.proxy_reward is distinct from m.proxy_reward)
        or (m.gold_reward is not null and c.gold_reward is distinct from m.gold_reward)
    ) then 1 else 0 end) as replaced
from changed_metrics c join metrics m using (run_id, phase, step)
    join incoming_metrics i using (run_id, phase, step)
group by c.run_id;

delete from metrics using changed_metrics c
where metrics.run_id = c.run_id and metrics.phase = c.phase and metrics.step = c.step;
-- One insert a table and transaction: DuckDB 2.0 finds none of the rows of a large insert (over
-- one row group) that follows an insert of no rows in the same transaction.
insert into metrics by name
select * from (select * from changed_metrics union all by name select * from new_metrics)
order by run_id, phase, step;

delete from scalars using changed_scalars c
where scalars.run_id = c.run_id and scalars.phase = c.phase and scalars.step = c.step
    and scalars.key = c.key;
insert into scalars by name
select * from (select * from changed_scalars union all by name select * from new_scalars)
order by run_id, key, phase, step;

-- Responses of prompts that the newer log of the step does not have: they go with their step.
create or replace temp table lost_samples as
select s.run_id, count(*) as lost
from samples s join changed_steps c using (run_id, phase, step)
where s.prompt_id is not null and not exists (
    from incoming_samples i where i.run_id = s.run_id and i.phase = s.phase and i.step = s.step
        and i.prompt_id = s.prompt_id
)
group by s.run_id;
delete from samples using changed_steps c
where samples.run_id = c.run_id and samples.phase = c.phase and samples.step = c.step;
insert into samples by name
select i.* from incoming_samples i semi join changed_steps c using (run_id, phase, step)
order by run_id, phase, step, prompt_id, sample_id;

create or replace temp table changed_gold as
select * from incoming_gold except select * from gold_evaluations;
create or replace temp table new_gold as
select i.* from incoming_gold i anti join gold_evaluations g using (run_id, source, step);
delete from gold_evaluations g using changed_gold c
where g.run_id = c.run_id and g.source = c.source and g.step = c.step;
insert into gold_evaluations by name select * from changed_gold order by run_id, source, step;

create or replace temp table changes_by_run as
with counts as (
    select run_id, count(*) as added, 0 as replaced,
        sum(case when gold_reward is not null then 1 else 0 end) as golds, 0 as samples,
        0 as moved
    from new_metrics group by run_id
    union all
    select run_id, 0, replaced, golds, 0, changed from told_metrics
    union all
    select run_id, 0, 0, count(*), 0, 0 from new_gold group by run_id
    union all
    select run_id, 0, 0, 0, 0, count(*) from changed_gold group by run_id
    union all
    select i.run_id, 0, 0, 0, count(*), 0
    from incoming_samples i semi join changed_steps c using (run_id, phase, step) group by i.run_id
    union all
    select run_id, 0, 0, 0, 0, count(*) from new_scalars group by run_id
    union all
    select run_id, 0, 0, 0, 0, count(*) from changed_scalars group by run_id
)
select run_id, sum(added)::bigint as points, sum(replaced)::bigint as replaced,
    sum(golds)::bigint as gold_evaluations, sum(samples)::bigint as samples,
    sum(moved)::bigint as moved
from counts group by run_id;

-- The rollups of the runs in the temporary table affected, in the transaction that changed them.
-- Their metric rows are views: affected_metrics, and numbered_metrics, where row i of n of each
-- phase in step order (from 0).
delete from pooled_curve where run_id in (select run_id from affected);
insert into pooled_curve by name
with binned as (
    select *, (i // ((n + 255) // 256))::integer as bin from numbered_metrics
)
select run_id, phase, bin, min(step) as step_start, max(step) as step_end, count(*) as n_rows,
    avg(columns(lambda name: list_contains(pooled_columns(), name))), min(stretch) as stretch
from binned group by run_id, phase, bin order by run_id, phase, bin;

delete from prompt_rewards where run_id in (select run_id from affected);
insert into prompt_rewards
select run_id, step, prompt_id, count(*), avg(gold_reward), avg(proxy_reward),
    count(gold_reward)
from samples semi join affected using (run_id)
where phase = 'train' and prompt_id is not null
group by run_id, step, prompt_id order by run_id, step, prompt_id;

create or replace temp table affected_ends as
with phase_ends as (
    select run_id, phase, count(*) as points, count(gold_reward) as golds, count(kl) as kl_rows,
        max(step) as step_end, max(case when gold_reward is not null then step end) as gold_step_end,
        max(case when kl is not null then step end) as kl_step_end, arg_max(kl, step) as kl_end
    from affected_metrics group by run_id, phase
), ends as (
    select run_id, sum(points)::bigint as points, sum(golds)::bigint as golds,
        sum(kl_rows)::bigint as kl_rows, max(step_end) as step_end,
        max(gold_step_end) as gold_step_end, arg_max(kl_end, row(kl_step_end, phase)) as kl_end
    from phase_ends group by run_id
), apart as (
    select run_id, count(*) as golds, max(step) as gold_step_end
    from gold_evaluations semi join affected using (run_id)
    where source not like 'sealed:%' group by run_id
)
select a.run_id, coalesce(e.points, 0) as points, coalesce(e.kl_rows, 0) as kl_rows,
    coalesce(e.golds, 0) + coalesce(p.golds, 0) as golds, e.step_end, e.kl_end,
    nullif(greatest(coalesce(e.gold_step_end, -1), coalesce(p.gold_step_end, -1)), -1)
        as gold_step_end
from affected a left join ends e using (run_id) left join apart p using (run_id);

-- Only runs whose KL has gone on since their last gold need a second look at their rows.
create or replace temp table gold_behind as
select run_id, gold_step_end from affected_ends where gold_step_end < step_end;

delete from run_summary where run_id in (select run_id from affected);
insert into run_summary
with gold_kl as (
    select run_id, arg_max(m.kl, row(m.step, m.phase)) as kl
    from affected_metrics m join gold_behind g using (run_id)
    where m.step <= g.gold_step_end group by run_id
), responses as (
    select run_id, count(*) as samples
    from samples semi join affected using (run_id) group by run_id
), graded as (
    select loop as run_id, sum(n)::bigint as answers, max(iteration) as step_end
    from answer_counts where loop in (select run_id from affected) group by loop
)
select e.run_id, e.points, e.golds, coalesce(s.samples, 0), coalesce(q.answers, 0),
    coalesce(e.step_end, e.gold_step_end, q.step_end), e.kl_end, e.gold_step_end,
    case when e.gold_step_end >= e.step_end then e.kl_end else k.kl end, e.kl_rows
from affected_ends e join runs r using (run_id) left join gold_kl k using (run_id)
    left join responses s using (run_id) left join graded q using (run_id);

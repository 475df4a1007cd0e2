-- What a segment of new rows alone has brought, by run (as changes_by_run in merge.sql).
with counts as (
    select run_id, count(*) as added, count(gold_reward) as golds, 0 as samples, 0 as moved
    from arrived_metrics group by run_id
    union all
    select run_id, 0, 0, 0, count(*) from arrived_scalars group by run_id
    union all
    select run_id, 0, count(*), 0, count(*) from arrived_gold group by run_id
    union all
    select run_id, 0, 0, count(*), 0 from arrived_samples group by run_id
)
select run_id, sum(added)::bigint as points, sum(golds)::bigint as gold_evaluations,
    sum(samples)::bigint as samples, sum(moved)::bigint as moved
from counts group by run_id;

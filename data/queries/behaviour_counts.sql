-- Trajectories looked at, and those in which each behaviour was seen, by source, environment and step.
select run_id as run, source, behaviour, environment, step, count(*) as n,
    sum(value)::bigint as seen
from behaviours
where ($runs is null or list_contains($runs, run_id)) and ($until is null or step <= $until)
group by run_id, source, behaviour, environment, step
order by run_id, source, behaviour, environment, step;

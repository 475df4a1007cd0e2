-- Who gave the sealed gold of some runs, and how much there is of it; nothing of what it says.
select run_id, source, sum(scores)::bigint as scores, max(steps)::bigint as steps from (
    select run_id, substr(source, 8) as source, 0 as scores, count(distinct step) as steps
    from gold_evaluations
    where source like 'sealed:%' and ($runs is null or list_contains($runs, run_id))
    group by run_id, source
    union all
    select run_id, substr(phase, 8), count(*), count(distinct step)
    from samples
    where phase like 'sealed:%' and ($runs is null or list_contains($runs, run_id))
    group by run_id, phase
)
group by run_id, source order by run_id, source;

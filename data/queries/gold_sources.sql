-- The gold sources that some runs have, by run.
select distinct m.run_id, case when m.phase = 'eval' then 'evaluation'
    when r.format = 'table' then 'table' else 'training' end as source
from metrics m join runs r using (run_id)
where list_contains($runs, m.run_id) and m.gold_reward is not null
union
select distinct run_id, source from gold_evaluations
where list_contains($runs, run_id) and source not like 'sealed:%'
union
select run_id, source || ' + judge' from (
    select l.run_id, substr(l.phase, 6) as source, l.step, count(distinct l.prompt_id) as prompts,
        count(*) as labels
    from samples l where list_contains($runs, l.run_id) and l.phase like 'gold:%'
    group by l.run_id, l.phase, l.step
) join (
    select run_id, step, count(gold_reward) as judged from samples
    where list_contains($runs, run_id) and phase in ('train', 'eval') group by run_id, step
) using (run_id, step)
where prompts >= 20 and judged > labels
group by run_id, source having count(*) >= 3
order by 1, 2;

-- The gold sources that some runs have, by run.
select distinct m.run_id, case when m.phase = 'eval' then 'evaluation'
    when r.format = 'table' then 'table' else 'training' end as source
from metrics m join runs r using (run_id)
where list_contains($runs, m.run_id) and m.gold_reward is not null
union
select distinct run_id, source from gold_evaluations where list_contains($runs, run_id)
order by 1, 2;

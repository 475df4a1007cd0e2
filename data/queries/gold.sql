-- Gold measurements of one run, each with the source it belongs to; sources are never pooled.
select case when m.phase = 'eval' then 'evaluation' when r.format = 'table' then 'table'
    else 'training' end as source,
    m.step, m.stretch, m.kl, m.gold_reward, m.gold_reward_se, m.gold_reward_sd, m.n_responses,
    m.proxy_reward, cast(null as varchar) as kind, m.n_prompts,
    m.gold_version
from metrics m join runs r using (run_id)
where m.run_id = $run and m.gold_reward is not null and ($until is null or m.step <= $until)
union all
select source, step, null, null, gold_reward, gold_reward_se, gold_reward_sd, n_responses, null, kind,
    n_prompts, gold_version
from gold_evaluations
where run_id = $run and gold_reward is not null and ($until is null or step <= $until)
    and source not like 'sealed:%'
order by source, step;

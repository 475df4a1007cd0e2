-- Every response of a run to one prompt, without its text: what another one is compared with.
select phase, step, coalesce(sample_id, 0) as sample_id, proxy_reward, gold_reward
from samples
where run_id = $run and phase in ('train', 'eval', 'mixed') and coalesce(prompt_id, '') = $prompt
    and ($until is null or step <= $until)
order by step, phase desc, proxy_reward desc nulls last, sample_id
limit $rows;

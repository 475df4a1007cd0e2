-- One response of a run by its address, each text cut to $longest characters.
select phase, step, coalesce(prompt_id, '') as prompt_id, coalesce(sample_id, 0) as sample_id,
    left(coalesce(prompt, ''), $longest) as prompt,
    left(coalesce(completion, ''), $longest) as completion,
    coalesce(length(completion), 0) as letters, proxy_reward, gold_reward
from samples
where run_id = $run and phase in ('train', 'eval', 'mixed') and phase = $phase and step = $step
    and coalesce(prompt_id, '') = $prompt and coalesce(sample_id, 0) = $sample
order by completion limit 1;

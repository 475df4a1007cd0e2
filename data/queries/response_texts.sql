-- Prompts and responses by their places in the table, each cut to $longest characters.
select rowid as place, step, coalesce(prompt_id, '') as prompt_id,
    coalesce(sample_id, 0) as sample_id, phase, left(coalesce(prompt, ''), $longest) as prompt,
    left(coalesce(completion, ''), $longest) as completion,
    coalesce(length(completion), 0) as letters, proxy_reward, gold_reward
from samples
where run_id = $run and phase in ('train', 'eval', 'mixed') and rowid in $places
order by step, prompt_id, sample_id;

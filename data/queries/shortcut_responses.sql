-- The responses of one run that are mined for shortcuts: of $parts parts of the prompts $prompts, of
-- their groups (prompt and step) $groups, and of these $rows, the same ones whenever it is asked.
select step, phase, coalesce(prompt_id, '') as prompt_id, coalesce(sample_id, 0) as sample_id,
    left(coalesce(prompt, ''), $longest) as prompt, left(completion, $longest) as completion,
    length(completion) as letters, proxy_reward, gold_reward
from samples
where run_id = $run and phase in ('train', 'eval', 'mixed') and phase = $phase
    and ($until is null or step <= $until)
    and hash(coalesce(prompt_id, prompt)) % $parts < $prompts
    and hash(coalesce(prompt_id, prompt), step) % $parts < $groups
    and ($rows = $parts
        or hash(coalesce(prompt_id, prompt), step, sample_id, completion) % $parts < $rows);

-- Texts that iterations of some loops generated: their responses, in the words of a loop. A text
-- that was logged without an id of its own is named by its prompt and its number.
select run_id as loop, step as iteration,
    coalesce(text_id, prompt_id || '/' || sample_id) as text_id, prompt_id, prompt,
    completion as text, proxy_reward, gold_reward, (extra['kept'] > 0) as kept, logprob_policy,
    logprob_reference as logprob_base, extra['n_tokens']::bigint as n_tokens
from samples
where list_contains($loops, run_id) and phase in ('train', 'eval', 'mixed')
    and ($iterations is null or list_contains($iterations, step))
    and ($until is null or step <= $until)
order by loop, iteration, prompt_id, sample_id;

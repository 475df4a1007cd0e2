-- Sealed scores of the responses of some loops. The gate alone asks this, and an export that says so.
select run_id as loop, step as iteration, substr(phase, 8) as source, prompt_id,
    coalesce(prompt, prompt_id) as prompt, sample_id, completion as text, gold_reward
from samples
where list_contains($loops, run_id) and phase like 'sealed:%' and ($until is null or step <= $until)
order by loop, iteration, source, prompt_id, sample_id;

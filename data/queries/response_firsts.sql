-- How the policy began on some prompts of one run: of the first draw of each the response whose
-- proxy is nearest to that draw's mean.
with early as (
    select step, prompt_id, sample_id, proxy_reward, gold_reward, completion,
        avg(proxy_reward) over (partition by prompt_id, step) as middle
    from samples
    where run_id = $run and phase in ('train', 'eval', 'mixed') and phase = $phase
        and step <= $early and list_contains($prompts, prompt_id)
)
select step, prompt_id, sample_id, proxy_reward, gold_reward,
    left(coalesce(completion, ''), $longest) as completion,
    coalesce(length(completion), 0) as letters
from early
qualify row_number() over (
    partition by prompt_id order by step, round(abs(proxy_reward - middle), 6), sample_id) = 1
order by prompt_id;

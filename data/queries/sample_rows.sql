-- Every logged response of some runs; further numbers as pairs of key and value.
select run_id, phase, step, prompt_id, sample_id, prompt, completion, proxy_reward, gold_reward,
    logprob_policy, logprob_reference, text_id, map_entries(extra) as extra
from samples where list_contains($runs, run_id) and phase not like 'sealed:%'
order by run_id, phase desc, step, prompt_id, sample_id;

-- Responses to the prompts of one run within a range of steps, best proxy first.
select step, prompt_id, sample_id, prompt, completion, proxy_reward, gold_reward
from samples
where run_id = $run and phase = 'train' and step between $first and $last
order by prompt_id, step, proxy_reward desc, sample_id;

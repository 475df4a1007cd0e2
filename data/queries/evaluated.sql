-- Gold of one run's evaluation responses averaged by step and prompt.
select step, prompt_id, count(*) as n, count(gold_reward) as gold_n, 
    avg(gold_reward order by gold_reward) as gold_reward
from samples
where run_id = $run and phase = 'eval' and prompt_id is not null and gold_reward is not null
    and ($until is null or step <= $until)
group by step, prompt_id order by step, prompt_id;

-- Scores of one run's anchors: fixed responses that the judge of gold scores again at each checkpoint.
select step, prompt_id, coalesce(nullif(completion, ''), cast(sample_id as varchar)) as response,
    avg(gold_reward order by gold_reward) as score
from samples
where run_id = $run and phase = 'anchor' and gold_reward is not null
    and ($until is null or step <= $until)
group by step, prompt_id, response order by step, prompt_id, response;

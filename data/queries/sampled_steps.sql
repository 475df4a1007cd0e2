-- Steps of one run whose responses were logged.
select step, count(distinct prompt_id) as prompts, count(*) as responses
from samples where run_id = $run and phase = 'train' and ($until is null or step <= $until)
group by step order by step;

-- How many responses of one run there are to mine, of how many prompts, and how long they are.
select phase, count(*) as n, count(distinct coalesce(prompt_id, prompt)) as prompts,
    count(distinct (coalesce(prompt_id, prompt), step)) as groups,
    avg(least(length(completion), $longest)) as letters
from samples
where run_id = $run and phase in ('train', 'eval', 'mixed') and ($until is null or step <= $until)
group by phase
order by phase;

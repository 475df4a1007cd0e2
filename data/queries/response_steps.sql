-- How many responses of one run were logged at each step, and with which rewards.
select phase, step, count(*) as n, count(proxy_reward) as proxies, count(gold_reward) as golds
from samples
where run_id = $run and phase in ('train', 'eval', 'mixed') and ($until is null or step <= $until)
group by phase, step
order by step, phase;

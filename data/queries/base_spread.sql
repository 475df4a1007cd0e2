-- Mean and spread between responses at the start of a run (its first rows that log it).
with first_rows as (
    select *, row_number() over (partition by run_id order by step) as i
    from metrics where list_contains($runs, run_id) and phase = 'train'
)
select run_id, avg(proxy_reward) as proxy_reward, avg(gold_reward) as gold_reward,
    sqrt(avg(proxy_reward_sd * proxy_reward_sd)) as proxy_reward_sd,
    sqrt(avg(gold_reward_sd * gold_reward_sd)) as gold_reward_sd
from first_rows where i <= 8 group by run_id order by run_id;

-- Pools for best-of-n: runs with several samples of each prompt from the initial policy (step 0).
select p.run_id, count(*) as prompts, sum(p.n)::bigint as samples, min(p.n) as fewest,
    median(p.n)::bigint as typical, count(p.gold_reward) as prompts_with_gold
from prompt_rewards p
where p.step = 0
group by p.run_id having count(*) >= 2 and median(p.n) >= 4
order by p.run_id;

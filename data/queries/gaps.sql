-- Rows of each run that miss a value, by what is missing.
select run_id, count(*) as rows, count(*) - count(kl) as without_kl,
    count(*) - count(proxy_reward) as without_proxy, count(*) - count(gold_reward) as without_gold
from metrics where $runs is null or list_contains($runs, run_id)
group by run_id order by run_id;

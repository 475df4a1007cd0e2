-- Whether every training row of a run stands equal in another; null where it has none.
select bool_and(
    b.step is not null and a.kl is not distinct from b.kl
    and a.proxy_reward is not distinct from b.proxy_reward
    and a.gold_reward is not distinct from b.gold_reward
)
from metrics a left join metrics b on b.run_id = $now and b.phase = a.phase and b.step = a.step
where a.run_id = $before and a.phase = 'train';

-- The metric rows of some runs, in step order.
select m.run_id, m.phase, m.step, m.stretch, m.kl, m.proxy_reward, m.proxy_reward_sd, m.gold_reward,
    m.gold_reward_sd, m.gold_reward_se, m.n_responses, m.response_length, m.entropy, m.clipped_share
from metrics m
where list_contains($runs, m.run_id) and ($until is null or m.step <= $until)
order by m.run_id, m.phase desc, m.step;

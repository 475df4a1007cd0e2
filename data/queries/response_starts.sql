-- Where one run began: mean and standard deviation of the rewards of its first responses.
select count(*) as n, avg(proxy_reward) filter (isfinite(proxy_reward)) as proxy,
    stddev_samp(proxy_reward) filter (isfinite(proxy_reward)) as proxy_sd,
    avg(gold_reward) filter (isfinite(gold_reward)) as gold,
    stddev_samp(gold_reward) filter (isfinite(gold_reward)) as gold_sd
from samples
where run_id = $run and phase in ('train', 'eval', 'mixed') and phase = $phase
    and step <= $last;

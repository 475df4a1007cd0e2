-- How many responses of one run's start (up to step $start) and of its last steps (from $late) have
-- proxy above and gold below the means of the start, of those with both.
select count(*) filter (step <= $start) as begun,
    count(*) filter (step <= $start and apart) as begun_apart,
    count(*) filter (step >= $late) as late,
    count(*) filter (step >= $late and apart) as late_apart
from (
    select step, proxy_reward > $proxy and gold_reward < $gold as apart
    from samples
    where run_id = $run and phase in ('train', 'eval', 'mixed') and phase = $phase
        and (step <= $start or step between $late and $last)
        and isfinite(proxy_reward) and isfinite(gold_reward)
);

-- KL of one run's training responses by step, from their log-probabilities: mean and spread of k1.
select step, count(*) as n, avg(ratio) as k1, stddev_samp(ratio) as k1_sd
from (
    select step, logprob_policy - logprob_reference as ratio from samples
    where run_id = $run and phase = 'train' and ($until is null or step <= $until)
)
where isfinite(ratio) group by step order by step;

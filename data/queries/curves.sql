-- Pooled curves of some runs for drawing, at most 256 bins each.
select run_id, phase, bin, step_start, step_end, n_rows, kl, proxy_reward, gold_reward,
    response_length, entropy, clipped_share, stretch
from pooled_curve where $runs is null or list_contains($runs, run_id)
order by run_id, phase desc, bin;

-- Pooled curves of some runs for drawing, at most 256 bins each.
select * from pooled_curve where $runs is null or list_contains($runs, run_id)
order by run_id, phase desc, bin;

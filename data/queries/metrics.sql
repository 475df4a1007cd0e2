-- The metric rows of some runs, in step order.
select * exclude (source_rank) from metrics
where list_contains($runs, run_id) and ($until is null or step <= $until)
order by run_id, phase desc, step;

-- Some further numbers of one run's training rows by step.
select key, step, value from scalars
where run_id = $run and phase = 'train' and list_contains($keys, key) and isfinite(value)
    and ($until is null or step <= $until)
order by key, step;

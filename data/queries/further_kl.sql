-- Further logged numbers of one run whose name holds the word kl.
select step, key, value from scalars
where run_id = $run and phase = 'train' and ($until is null or step <= $until)
    and regexp_matches(lower(key), '(^|[^a-z])kl([^a-z]|$)') and isfinite(value)
order by key, step;

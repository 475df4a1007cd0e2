-- Numbers that some runs logged with every row and that never changed: sizes, coefficients, seeds.
select run_id, key, min(value) as value from scalars
where list_contains($runs, run_id) and phase = 'train' and isfinite(value)
group by run_id, key having min(value) = max(value)
order by run_id, key;

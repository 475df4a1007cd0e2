-- Further numbers of one run's training rows that change over the run.
select key, count(*) as n from scalars
where run_id = $run and phase = 'train' and isfinite(value)
group by key having min(value) < max(value) and count(*) >= 5
order by key;

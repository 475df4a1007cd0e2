-- Further numbers of one run's training responses, with how many responses have each.
with entries as (
    select unnest(map_entries(extra)) as entry from samples where run_id = $run and phase = 'train'
)
select entry.key as key, count(*) as n from entries
where isfinite(entry.value)
group by entry.key having min(entry.value) < max(entry.value)
order by entry.key;

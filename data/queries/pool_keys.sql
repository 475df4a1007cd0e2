-- Further numbers of the samples of a pool that may serve as proxies: those that differ.
with entries as (
    select unnest(map_entries(extra)) as entry from samples
    where run_id = $run and phase = 'train' and step = 0
)
select entry.key as key, count(entry.value) as n from entries
where isfinite(entry.value)
group by entry.key having min(entry.value) < max(entry.value)
order by entry.key;

-- The pooled curve of one run up to a step, binned as the rollup would have binned it then.
with numbered as (
    select *, row_number() over (partition by phase order by step) - 1 as i,
        count(*) over (partition by phase) as n
    from metrics where run_id = $run and step <= $until
), binned as (
    select *, (i // ((n + 255) // 256))::integer as bin from numbered
)
select run_id, phase, bin, min(step) as step_start, max(step) as step_end, count(*) as n_rows,
    avg(columns(lambda name: list_contains(pooled_columns(), name))), min(stretch) as stretch
from binned group by run_id, phase, bin order by phase desc, bin;

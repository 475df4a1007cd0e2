-- Runs whose responses hold counted facts, or whose trainer logged a rate of wrong ones.
with first_steps as (
    select run_id, min(step_start) as step from pooled_curve where phase = 'train' group by run_id
), first_responses as (
    select run_id, any_value(extra) as extra
    from samples semi join first_steps using (run_id, step) group by run_id
)
select run_id from first_responses
where (map_contains(extra, 'n_fact') and map_contains(extra, 'n_wrong'))
    or (map_contains(extra, 'n_claims') and map_contains(extra, 'n_true'))
union
select distinct run_id from scalars where key = 'hallucination_rate'
order by run_id;

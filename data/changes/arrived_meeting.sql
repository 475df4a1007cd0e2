-- Rows of a segment that are not beyond the last step that the store has of their run: they may
-- meet a row that is there, and are to be merged with it.
with kept as (
    select run_id, phase, max(step) as last
    from metrics semi join arrived_metrics using (run_id) group by run_id, phase
), kept_scalars as (
    select run_id, phase, max(step) as last
    from scalars semi join arrived_scalars using (run_id) group by run_id, phase
), kept_samples as (
    select run_id, phase, max(step) as last
    from samples semi join arrived_samples using (run_id) group by run_id, phase
), kept_gold as (
    select run_id, source, max(step) as last
    from gold_evaluations semi join arrived_gold using (run_id) group by run_id, source
)
select
    (select count(*) from arrived_metrics a join kept using (run_id, phase) where a.step <= last)
    + (select count(*) from arrived_scalars a join kept_scalars using (run_id, phase)
        where a.step <= last)
    + (select count(*) from arrived_samples a join kept_samples using (run_id, phase)
        where a.step <= last)
    + (select count(*) from arrived_gold a join kept_gold using (run_id, source)
        where a.step <= last);

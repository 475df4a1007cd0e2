-- The rows of the runs in the temporary table affected, as a segment would bring them.
create or replace temp table incoming_metrics as
select m.* from metrics m semi join affected using (run_id);
create or replace temp table incoming_scalars as
select s.* from scalars s semi join affected using (run_id);
create or replace temp table incoming_samples as
select s.* from samples s semi join affected using (run_id);

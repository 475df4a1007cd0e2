-- The same from a segment that holds all there is of its runs, each phase of a run in step order:
-- a row's place in the file is its number, and need not be sorted for.
create or replace temp view affected_metrics as select * from arrived_metrics;
create or replace temp view numbered_metrics as
with spans as (
    select run_id, phase, min(file_row_number) as first, count(*) as n
    from arrived_metrics group by run_id, phase
)
select a.*, file_row_number - first as i, n
from arrived_metrics a join spans using (run_id, phase);

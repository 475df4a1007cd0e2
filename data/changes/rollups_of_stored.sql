-- The metric rows of the runs in the temporary table affected, for rollups.sql: wherever in the
-- store they are, in whatever order.
create or replace temp view affected_metrics as
select m.* from metrics m semi join affected using (run_id);
create or replace temp view numbered_metrics as
select *, row_number() over (partition by run_id, phase order by step) - 1 as i,
    count(*) over (partition by run_id, phase) as n
from affected_metrics;

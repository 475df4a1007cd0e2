-- The rows of incoming_*, read another way, in the place of those of the runs in affected.
delete from metrics where run_id in (select run_id from affected);
insert into metrics by name select * from incoming_metrics order by run_id, phase, step;
delete from scalars where run_id in (select run_id from affected);
insert into scalars by name select * from incoming_scalars order by run_id, key, phase, step;
delete from samples where run_id in (select run_id from affected);
insert into samples by name select * from incoming_samples order by run_id, phase, step, prompt_id, sample_id;

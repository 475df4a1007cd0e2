-- Every further number of one run's log.
select phase, step, key, value from scalars where run_id = $run order by phase desc, step, key;

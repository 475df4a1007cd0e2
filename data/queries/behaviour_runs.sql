-- Runs in whose trajectories somebody looked for a behaviour.
select distinct run_id as run from behaviours order by run;

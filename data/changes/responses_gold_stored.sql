-- Gold of a table of responses leaves the runs of which another gold has come.
delete from gold_evaluations where source = 'table of responses' and list_contains($runs, run_id)
and run_id in (
    select run_id from metrics where gold_reward is not null
    union select run_id from gold_evaluations where source <> 'table of responses' and source not like 'sealed:%'
) returning run_id;

-- Gold of a table of responses counts only where no other gold of the run is known: here, of
-- what comes in.
delete from incoming_gold where source = 'table of responses' and run_id in (
    select run_id from metrics where gold_reward is not null
    union select run_id from incoming_metrics where gold_reward is not null
    union select run_id from gold_evaluations where source <> 'table of responses' and source not like 'sealed:%'
    union select run_id from incoming_gold where source <> 'table of responses' and source not like 'sealed:%'
);

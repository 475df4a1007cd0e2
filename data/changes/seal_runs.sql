-- The runs of a project that have scores of a source: means under $was, of responses under $labels.
select run_id from runs
where project = $project and (
    exists (from gold_evaluations g where g.run_id = runs.run_id and g.source = $was)
    or exists (from samples s where s.run_id = runs.run_id and s.phase = $labels)
)
order by run_id;

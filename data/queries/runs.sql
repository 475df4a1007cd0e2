-- Every run with its facts and summary, oldest name first.
select r.run_id, r.project, r.format, r.path, r.facts, r.warnings, r.ordinal, r.imported_at, r.generation,
    s.points, s.gold_evaluations, s.samples, s.answers, s.step_end, s.kl_end,
    s.gold_step_end, s.gold_kl_end, s.kl_rows
from runs r join run_summary s using (run_id)
where ($project is null or r.project = $project)
    and ($runs is null or list_contains($runs, r.run_id))
order by r.run_id;

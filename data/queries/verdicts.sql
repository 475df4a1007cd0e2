-- The kept verdicts of this method, newest generation first is the only one kept.
select v.run_id, v.until_step, v.gold_source, v.method, v.generation, v.verdict, v.looks,
    (v.generation = r.generation and v.method = $method) as current
from verdicts v join runs r using (run_id)
where v.until_step = $until and v.gold_source = $source
    and ($runs is null or list_contains($runs, v.run_id))
order by v.run_id;

-- Indicators of collapse as last computed, one row a loop, and the generation that the loop has now.
select i.loop, i.method, i.generation, i.rows, r.generation as now
from indicators i join runs r on r.run_id = i.loop
where $loops is null or list_contains($loops, i.loop)
order by i.loop;

-- Iterations of some loops with texts, and how many there are.
select run_id as loop, step as iteration, count(*) as texts
from samples
where ($loops is null or list_contains($loops, run_id)) and completion is not null
    and phase in ('train', 'eval', 'mixed')
    and run_id in (select loop from corpus union select loop from iterations
        union select run_id from samples where extra['kept'] is not null)
group by run_id, step order by run_id, step;

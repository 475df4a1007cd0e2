-- Runs that are loops: something is told of their iterations, corpora or kept texts.
with told as (
    select loop, iteration from iterations union all
    select loop, iteration from corpus union all
    select loop, iteration from reviews union all
    select loop, iteration from outcomes union all
    select run_id, step from samples where extra['kept'] is not null
)
select t.loop, r.generation, max(t.iteration) as last_iteration
from told t join runs r on r.run_id = t.loop
group by t.loop, r.generation order by t.loop;

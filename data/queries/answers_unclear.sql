-- What in the answers could not be taken as it was logged, by loop, iteration and origin.
with keys as (
    select loop, iteration, origin, question_id, sample_id, count(*) as n,
        count(distinct grade) as grades, count(*) filter (grade is null) as ungraded,
        count(*) filter (grade is not null and confidence_refused) as refused
    from answers
    where ($loops is null or list_contains($loops, loop))
        and ($until is null or iteration <= $until)
    group by loop, iteration, origin, question_id, sample_id
)
select loop, iteration, origin, sum(ungraded)::bigint as ungraded,
    sum(refused)::bigint as confidence_refused, count(*) filter (n > 1) as repeated,
    count(*) filter (n > 1 and grades > 1) as contradicting
from keys group by loop, iteration, origin order by loop, iteration, origin;

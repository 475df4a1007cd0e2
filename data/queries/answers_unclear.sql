-- What in the answers could not be taken as it was logged, by loop, iteration and origin. Questions
-- are looked at one by one only where there are more answers than questions.
with whole as (
    select loop, iteration, origin, sum(ungraded)::bigint as ungraded,
        sum(confidence_refused)::bigint as confidence_refused,
        sum(n) + sum(ungraded) > sum(questions) as several
    from answer_counts
    where ($loops is null or list_contains($loops, loop))
        and ($until is null or iteration <= $until)
    group by loop, iteration, origin
), keys as (
    select loop, iteration, origin, count(*) as n, count(distinct grade) as grades
    from answers semi join (select * from whole where several) using (loop, iteration, origin)
    group by loop, iteration, origin, question_id, sample_id
), twice as (
    select loop, iteration, origin, count(*) filter (n > 1) as repeated,
        count(*) filter (n > 1 and grades > 1) as contradicting
    from keys group by loop, iteration, origin
)
select w.loop, w.iteration, w.origin, w.ungraded, w.confidence_refused,
    coalesce(t.repeated, 0) as repeated, coalesce(t.contradicting, 0) as contradicting
from whole w left join twice t using (loop, iteration, origin)
order by w.loop, w.iteration, w.origin;

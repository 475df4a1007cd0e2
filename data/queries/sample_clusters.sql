-- Samples of a question by cluster of equal meaning, for semantic entropy and consistency.
select loop, iteration, origin, question_id, extra['cluster'] as "cluster", count(*) as n,
    min(grade) as grade
from answers
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
    and extra['cluster'] is not null
group by loop, iteration, origin, question_id, "cluster"
order by loop, iteration, origin, question_id, "cluster";

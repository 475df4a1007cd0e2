-- Human re-grades against the grader's own grade, counted by loop, iteration and origin. An audit
-- that states no origin is of the one answer with its key; where that is none or several, its
-- grade is null and its origin stays not stated.
with matched as (
    select h.loop, h.iteration, h.question_id, h.sample_id, h.human_grade, h.grade as own_grade,
        h.origin, a.origin as answer_origin, a.grade as answer_grade,
        count(distinct a.origin) over (
            partition by h.loop, h.iteration, h.origin, h.question_id, h.sample_id) as origins,
        row_number() over (
            partition by h.loop, h.iteration, h.origin, h.question_id, h.sample_id
            order by a.grade) as place
    from audits h
    left join answers a on a.loop = h.loop and a.iteration = h.iteration
        and a.question_id = h.question_id and a.sample_id = h.sample_id
        and (h.origin = 'not stated' or a.origin = h.origin)
    where ($loops is null or list_contains($loops, h.loop))
        and ($until is null or h.iteration <= $until)
), judged as (
    select loop, iteration, human_grade,
        case when origin = 'not stated' and origins = 1 then answer_origin else origin end
            as origin,
        case when origin = 'not stated' and origins > 1 then null
            else coalesce(own_grade, answer_grade) end as grade
    from matched where place = 1
)
select loop, iteration, origin, grade, human_grade, count(*) as answers
from judged group by loop, iteration, origin, grade, human_grade
order by loop, iteration, origin, grade, human_grade;

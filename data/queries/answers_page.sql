-- One page of the answers that pass the filters, newly wrong first against compare_to (null = the
-- iteration before), the surest first among them; beside each what was answered then, how many pass
-- in all, and of which topics. `search` is looked for as text, without case.
with hits as (
    select rowid as place, loop, iteration, origin, question_id, question, sample_id, confidence,
        topic
    from answers
    where ($loops is null or list_contains($loops, loop))
        and ($iteration is null or iteration = $iteration)
        and ($until is null or iteration <= $until)
        and ($origin is null or origin = $origin) and ($topic is null or topic = $topic)
        and ($knowledge is null or knowledge = $knowledge)
        and ($grade is null or coalesce(grade, 'ungraded') = $grade)
        and ($search is null or contains(lower(question), lower($search))
            or contains(lower(answer), lower($search))
            or contains(lower(reference), lower($search))
            or contains(lower(question_id), lower($search)))
), changes as (
    select *, case when wrong > wrong_before then 'newly_wrong'
        when wrong < wrong_before then 'newly_right' end as change
    from answers_paired($loops, case when $iteration is null then null else [$iteration] end,
        $compare_to)
), ranked as (
    select h.place, h.loop, h.iteration, h.origin, h.question_id, h.sample_id, c.change,
        c.from_iteration, c.wrong_before, c.wrong as wrong_now, h.confidence, h.topic
    from hits h left join changes c on c.loop = h.loop and c.iteration = h.iteration
        and c.origin = h.origin and c.question_id = h.question_id
    where $change is null or c.change = $change
), shown as (
    select *, count(*) over () as total, histogram(topic) over () as topics,
        case change when 'newly_wrong' then 0 when 'newly_right' then 1 else 2 end as rank
    from ranked
    order by rank, confidence desc nulls last, loop, iteration, origin, question_id, sample_id,
        place
    limit $rows offset $skip
), before as (
    select s.place, min_by(b.answer, b.rowid) as answer, min_by(b.grade, b.rowid) as grade,
        min_by(b.confidence, b.rowid) as confidence
    from shown s join answers b on b.loop = s.loop and b.iteration = s.from_iteration
        and b.origin = s.origin and b.question_id = s.question_id
        and b.sample_id is not distinct from s.sample_id
    group by s.place
)
select a.loop, a.iteration, a.origin, a.question_id, a.sample_id, a.topic, a.knowledge, a.question,
    a.reference, a.answer, a.grade, a.grade_logged, a.confidence, a.malformed, a.in_training,
    s.change, s.from_iteration, s.wrong_before, s.wrong_now, s.total, map_entries(s.topics) as topics,
    b.answer as answer_before, b.grade as grade_before, b.confidence as confidence_before
from shown s join answers a on a.rowid = s.place left join before b on b.place = s.place
order by s.rank, s.confidence desc nulls last, s.loop, s.iteration, s.origin, s.question_id,
    s.sample_id, s.place;

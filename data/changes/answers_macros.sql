-- How answers are counted, once for rollups and questions alike. `loops`, `iterations`: null = all.
-- What the columns mean: the comments of the tables answer_counts, answer_flips and their kin.
create or replace macro answers_of(loops, iterations) as table
select * from answers
where (loops is null or list_contains(loops, loop))
    and (iterations is null or list_contains(iterations, iteration));

-- With by_training the topic says whether the entity asked about is among those trained on, and
-- answers whose log does not say so are left out.
create or replace macro answers_counted(loops, iterations, tau, by_training) as table
with marks as (
    select loop, iteration, origin, question_id, grade is not null as graded,
        case when not by_training then topic when in_training then 'trained on'
            else 'not trained on' end as topic,
        case when not by_training then knowledge end as knowledge,
        coalesce(grade = 'correct', false) as correct,
        coalesce(grade = 'incorrect', false) as incorrect,
        coalesce(grade = 'not_attempted', false) as silent,
        case when grade is not null then round(confidence, 6) end as c,
        coalesce(malformed, false) as malformed, grade is not null and confidence_refused as refused
    from answers_of(loops, iterations) where not by_training or in_training is not null
), sure as (
    select *, coalesce(c >= tau, false) and not silent as sure from marks
), each as (
    select loop, iteration, origin, topic, knowledge, question_id,
        count(*) filter (graded) as n, count(*) filter (correct) as correct,
        count(*) filter (incorrect) as incorrect, count(*) filter (silent) as silent,
        count(*) filter (not graded) as ungraded,
        count(*) filter (c is not null or silent) as measured, count(*) filter (sure) as sure,
        count(*) filter (sure and incorrect) as sure_incorrect,
        count(*) filter (incorrect and malformed) as malformed,
        count(*) filter (sure and incorrect and malformed) as sure_malformed,
        coalesce(sum(c), 0) as c_sum, count(c) as c_n, count(*) filter (refused) as refused
    from sure group by loop, iteration, origin, topic, knowledge, question_id
)
select loop, iteration, origin, topic, knowledge, sum(n)::bigint as n,
    sum(correct)::bigint as correct, sum(incorrect)::bigint as incorrect,
    sum(silent)::bigint as not_attempted, sum(ungraded)::bigint as ungraded,
    sum(measured)::bigint as measured, sum(sure)::bigint as confident,
    sum(sure_incorrect)::bigint as confident_incorrect, sum(malformed)::bigint as malformed,
    sum(sure_malformed)::bigint as confident_malformed, sum(c_sum)::double as confidence_sum,
    sum(c_n)::bigint as confidence_n, sum(refused)::bigint as confidence_refused,
    count(*) filter (n > 0) as questions,
    coalesce(sum(correct / n) filter (n > 0), 0)::double as correct_share,
    coalesce(sum(incorrect / n) filter (n > 0), 0)::double as incorrect_share,
    coalesce(sum((incorrect / n) * (incorrect / n)) filter (n > 0), 0)::double as incorrect_squares,
    count(*) filter (measured > 0) as measured_questions,
    coalesce(sum(sure_incorrect / measured) filter (measured > 0), 0)::double as confident_share,
    coalesce(sum((sure_incorrect / measured) * (sure_incorrect / measured))
        filter (measured > 0), 0)::double as confident_squares
from each group by loop, iteration, origin, topic, knowledge;

-- Each (loop, origin, iteration) with the one it is compared with: the one before, or compare_to
-- where that was measured and lies before.
create or replace macro answers_compared(loops, compare_to) as table
with held as (
    select distinct loop, origin, iteration from answers
    where grade is not null and (loops is null or list_contains(loops, loop))
)
select loop, origin, iteration,
    case when compare_to is null
        then lag(iteration) over (partition by loop, origin order by iteration)
        when compare_to < iteration
            and bool_or(iteration = compare_to) over (partition by loop, origin)
        then compare_to end as from_iteration
from held;

-- Questions graded at both iterations, side by side. Another text is another question.
create or replace macro answers_paired(loops, iterations, compare_to) as table
with pairs as (
    select * from answers_compared(loops, compare_to)
    where from_iteration is not null
        and (iterations is null or list_contains(iterations, iteration))
), wanted as (
    select loop, origin, iteration from pairs union select loop, origin, from_iteration from pairs
), questions as (
    select loop, iteration, origin, question_id, question, count(*) as n,
        avg(case when grade = 'incorrect' then 1.0::double else 0.0::double end) as wrong,
        min(topic) as topic, min(knowledge) as knowledge, min(entity_id) as entity
    from answers semi join wanted using (loop, origin, iteration)
    where grade is not null group by loop, iteration, origin, question_id, question
)
select q.loop, q.iteration, p.from_iteration, q.origin, q.question_id, q.topic, q.knowledge,
    q.n, b.n as n_before, q.wrong, b.wrong as wrong_before, q.entity
from pairs p
join questions q on q.loop = p.loop and q.origin = p.origin and q.iteration = p.iteration
join questions b on b.loop = p.loop and b.origin = p.origin and b.iteration = p.from_iteration
    and b.question_id = q.question_id and b.question is not distinct from q.question;

create or replace macro answers_flipped(loops, iterations, compare_to) as table
select loop, iteration, from_iteration, origin, topic, knowledge, count(*) as shared,
    count(*) filter (wrong > wrong_before) as newly_wrong,
    count(*) filter (wrong < wrong_before) as newly_right, sum(wrong_before) as wrong_before,
    sum(wrong) as wrong_now, sum(wrong - wrong_before) as difference_sum,
    sum((wrong - wrong_before) * (wrong - wrong_before)) as difference_squares,
    count(*) filter (n > 1 or n_before > 1) as several
from answers_paired(loops, iterations, compare_to)
group by loop, iteration, from_iteration, origin, topic, knowledge;

-- Moments of the changes over entities, of loops that name any; a question without one is its own.
create or replace macro answers_flip_clustered(loops, iterations, compare_to) as table
with named as (
    select distinct loop from answers_of(loops, null) where entity_id is not null
), held as (
    select loop, iteration, from_iteration, origin, topic, knowledge,
        coalesce(entity, concat('question ', question_id)) as entity, count(*) as m,
        sum(wrong - wrong_before) as d
    from answers_paired(
        coalesce((select list(loop) from named), []), iterations, compare_to)
    group by loop, iteration, from_iteration, origin, topic, knowledge,
        coalesce(entity, concat('question ', question_id))
), levelled as (
    select * replace (null::varchar as topic, null::varchar as knowledge) from held
    union all
    select * replace (null::varchar as knowledge) from held where topic is not null
    union all
    select * replace (null::varchar as topic) from held where knowledge is not null
), entities as (
    select loop, iteration, from_iteration, origin, topic, knowledge, entity,
        sum(m)::bigint as m, sum(d)::double as d
    from levelled group by loop, iteration, from_iteration, origin, topic, knowledge, entity
)
select loop, iteration, from_iteration, origin, topic, knowledge, count(*) as entities,
    count(*) filter (abs(d) > 1e-9) as moved, sum(m)::bigint as entity_questions,
    sum(m * m)::bigint as entity_squares, sum(m * d)::double as entity_cross,
    sum(d)::double as entity_difference, sum(d * d)::double as entity_difference_squares
from entities group by loop, iteration, from_iteration, origin, topic, knowledge;

-- Moments over entities; an answer without one is its own question's. No rows for loops whose
-- answers name no entity.
create or replace macro answers_clustered(loops, iterations) as table
with named as (
    select distinct loop from answers_of(loops, null) where entity_id is not null
), held as (
    select loop, iteration, origin, topic, knowledge,
        coalesce(entity_id, concat('question ', question_id)) as entity, count(*) as n,
        count(*) filter (grade = 'incorrect') as x
    from answers_of(loops, iterations) semi join named using (loop)
    where grade is not null group by loop, iteration, origin, topic, knowledge, entity
), levelled as (
    select loop, iteration, origin, null::varchar as topic, null::varchar as knowledge, entity, n, x
    from held
    union all
    select loop, iteration, origin, topic, null, entity, n, x from held where topic is not null
    union all
    select loop, iteration, origin, null, knowledge, entity, n, x
    from held where knowledge is not null
), entities as (
    select loop, iteration, origin, topic, knowledge, entity, sum(n)::bigint as n,
        sum(x)::bigint as x
    from levelled group by loop, iteration, origin, topic, knowledge, entity
)
select loop, iteration, origin, topic, knowledge, count(*) as clusters,
    sum(n * n)::bigint as n_squares, sum(n * x)::bigint as "cross",
    sum(x * x)::bigint as incorrect_squares
from entities group by loop, iteration, origin, topic, knowledge;

-- As answers_counted where every question has one answer: no question is looked at by itself.
create or replace macro answers_counted_single(loops, iterations, tau, by_training) as table
with marks as (
    select loop, iteration, origin, grade,
        case when not by_training then topic when in_training then 'trained on'
            else 'not trained on' end as topic,
        case when not by_training then knowledge end as knowledge,
        case when grade is not null then round(confidence, 6) end as c,
        coalesce(malformed, false) as malformed, grade is not null and confidence_refused as refused
    from answers_of(loops, iterations) where not by_training or in_training is not null
), sure as (
    select *, coalesce(c >= tau, false) and grade <> 'not_attempted' as sure from marks
), sums as (
    select loop, iteration, origin, topic, knowledge, count(grade) as n,
        count(*) filter (grade = 'correct') as correct,
        count(*) filter (grade = 'incorrect') as incorrect,
        count(*) filter (grade = 'not_attempted') as not_attempted,
        count(*) filter (grade is null) as ungraded,
        count(*) filter (c is not null or grade = 'not_attempted') as measured,
        count(*) filter (sure) as confident,
        count(*) filter (sure and grade = 'incorrect') as confident_incorrect,
        count(*) filter (grade = 'incorrect' and malformed) as malformed,
        count(*) filter (sure and grade = 'incorrect' and malformed) as confident_malformed,
        coalesce(sum(c), 0)::double as confidence_sum, count(c) as confidence_n,
        count(*) filter (refused) as confidence_refused
    from sure group by loop, iteration, origin, topic, knowledge
)
select *, n as questions, correct::double as correct_share, incorrect::double as incorrect_share,
    incorrect::double as incorrect_squares, measured as measured_questions,
    confident_incorrect::double as confident_share, confident_incorrect::double as confident_squares
from sums;

create or replace macro answers_celled(loops, iterations) as table
with sure as (
    select loop, iteration, origin, topic, knowledge, grade = 'correct' as correct,
        round(confidence, 6) as c, round(round(confidence, 6) * 300, 6) as fine
    from answers_of(loops, iterations)
    where grade in ('correct', 'incorrect') and confidence is not null
)
select loop, iteration, origin, topic, knowledge, (ceil(fine) + floor(fine))::bigint as cell,
    count(*) as n, count(*) filter (correct) as correct, sum(c) as confidence_sum,
    sum(c * c) as squares_sum, coalesce(sum(c) filter (correct), 0) as confidence_correct
from sure group by loop, iteration, origin, topic, knowledge, cell;

-- Fine cells of confidence of all topics together.
create or replace macro answers_binned(loops, iterations) as table
select loop, iteration, origin, null::varchar as topic, null::varchar as knowledge, cell,
    sum(n)::bigint as n, sum(correct)::bigint as correct, sum(confidence_sum) as confidence_sum,
    sum(squares_sum) as squares_sum, sum(confidence_correct) as confidence_correct
from answers_celled(loops, iterations) group by loop, iteration, origin, cell;

-- ECE over 15 right-closed bins with its null value, Brier and AUROC (ties within 1/300): the
-- total, each topic, each category. Formulas: analytics/hallucination/level_rows.py.
create or replace macro answers_calibrated(loops, iterations) as table
with cells as (
    select * from answers_celled(loops, iterations)
), levelled as (
    select loop, iteration, origin, null::varchar as topic, null::varchar as knowledge, cell, n,
        correct, confidence_sum, squares_sum, confidence_correct from cells
    union all
    select loop, iteration, origin, topic, null, cell, n, correct, confidence_sum, squares_sum,
        confidence_correct from cells where topic is not null
    union all
    select loop, iteration, origin, null, knowledge, cell, n, correct, confidence_sum, squares_sum,
        confidence_correct from cells where knowledge is not null
), whole as (
    select loop, iteration, origin, topic, knowledge, cell, sum(n) as n, sum(correct) as correct,
        sum(confidence_sum) as sure, sum(squares_sum) as squares, sum(confidence_correct) as sure_right
    from levelled group by loop, iteration, origin, topic, knowledge, cell
), ranked as (
    select *, sum(n - correct) over (
            partition by loop, iteration, origin, topic, knowledge order by cell
        ) - (n - correct) / 2 as wrong_below,
        least(greatest((cell + 39) // 40 - 1, 0), 14) as bin
    from whole
), binned as (
    select loop, iteration, origin, topic, knowledge, bin, sum(n) as n, sum(correct) as correct,
        sum(squares - 2 * sure_right + correct) as brier, sum(correct * wrong_below) as wins,
        abs(sum(correct) - sum(sure)) as gap, sqrt(greatest(sum(sure) - sum(squares), 0)) as spread
    from ranked group by loop, iteration, origin, topic, knowledge, bin
)
select loop, iteration, origin, topic, knowledge, sum(n)::bigint as n_calibration,
    sum(gap)::double / sum(n) as ece, sqrt(2 / pi()) * sum(spread) / sum(n) as ece_null,
    (sum(wins) / nullif(sum(correct) * (sum(n) - sum(correct)), 0))::double as auroc,
    sum(brier)::double / sum(n) as brier
from binned group by loop, iteration, origin, topic, knowledge;

-- What the training-set view needs of some loops: answers to questions that came out of a training
-- text (self_claim), and benchmark questions that were answered wrong at least once.
with wrong as (
    select distinct loop, question_id from answers
    where list_contains($loops, loop) and origin = 'benchmark' and in_training is not null
        and grade = 'incorrect'
)
select loop, iteration, origin, question_id, sample_id, knowledge, answer, reference, grade,
    in_training, self_claim
from answers a
where list_contains($loops, loop) and ($until is null or iteration <= $until)
    and (self_claim is not null or (origin = 'benchmark'
        and exists (from wrong w where w.loop = a.loop and w.question_id = a.question_id)))
order by loop, iteration, origin, question_id, sample_id;

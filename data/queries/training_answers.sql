-- Answers of some loops with what was trained on, for the training-set view.
select loop, iteration, origin, question_id, sample_id, knowledge, answer, reference, grade,
    in_training, self_claim
from answers
where list_contains($loops, loop) and ($until is null or iteration <= $until)
order by loop, iteration, origin, question_id, sample_id;

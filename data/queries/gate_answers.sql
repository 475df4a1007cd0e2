-- Graded answers of a loop as a gate compares them: those to questions that stay, and those about
-- what was trained on.
select loop, iteration, origin, question_id, sample_id, topic, question, grade, confidence,
    knowledge, entity_id, in_training
from answers
where list_contains($loops, loop) and ($until is null or iteration <= $until)
    and grade is not null and (origin <> 'self_generated' or in_training is not null)
order by loop, iteration, origin, question_id, sample_id;

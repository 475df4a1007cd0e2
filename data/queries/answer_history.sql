-- One question over the iterations of some loops: what was answered, how sure, how graded.
select loop, iteration, origin, question_id, sample_id, topic, knowledge, question, reference,
    answer, grade, grade_logged, confidence, confidence_kind, confidence_consistency, malformed,
    in_training, self_claim, grader, entity_id
from answers
where question_id = $question_id and ($loops is null or list_contains($loops, loop))
    and ($origin is null or origin = $origin) and ($until is null or iteration <= $until)
order by loop, origin, iteration, sample_id;

-- Every graded answer of some loops and runs; further numbers as pairs of key and value.
select loop, iteration, origin, question_id, sample_id, topic, question, answer, reference, grade,
    grade_logged, confidence, confidence_refused, confidence_kind, confidence_consistency,
    knowledge, entity_id, grader, malformed, in_training, self_claim, map_entries(extra) as extra
from answers where list_contains($loops, loop)
order by loop, iteration, origin, question_id, sample_id;

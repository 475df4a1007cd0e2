-- The judged claims of one run's long answers, by response; a null label = the response abstained.
select question_id as response_id, topic, entity_id, answer as claim,
    case when grade = 'correct' then 'supported' when grade = 'incorrect' then 'not_supported'
        when grade = 'not_attempted' then null
        when lower(grade_logged) in ('ir', 'irrelevant') then 'irrelevant'
        else coalesce(grade_logged, 'unknown') end as label
from answers
where loop = $run and ($iteration is null or iteration = $iteration)
order by question_id, sample_id;

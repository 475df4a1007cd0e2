-- Graded answers counted by loop, iteration, origin, topic and knowledge, confident from tau on.
-- From the rollup at 0.8, from the answers themselves at any other tau.
select * from answer_counts
where $tau = 0.8 and ($loops is null or list_contains($loops, loop))
    and ($until is null or iteration <= $until)
union all
select * from answers_counted(
    case when $tau = 0.8 then []::varchar[] else $loops end, null, $tau, false)
where $until is null or iteration <= $until
order by loop, iteration, origin, topic, knowledge;

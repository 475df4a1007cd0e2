-- Questions that changed since compare_to; null = since the iteration before, from the rollup.
select * from answer_flips
where $compare_to is null and ($loops is null or list_contains($loops, loop))
    and ($until is null or iteration <= $until)
union all
select * from answers_flipped(
    case when $compare_to is null then []::varchar[] else $loops end, null, $compare_to)
where $until is null or iteration <= $until
order by loop, iteration, origin, topic, knowledge;

-- As answer_counts, of answers whose log says whether the entity asked about was trained on; the
-- topic says which: 'trained on' or 'not trained on'.
select * from answers_counted($loops, null, $tau, true)
where $until is null or iteration <= $until
order by loop, iteration, origin, topic;

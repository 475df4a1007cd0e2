-- As answer_counts, confident from tau on, counted from the answers themselves. With by_training the
-- topic says whether the entity asked about was trained on ('trained on', 'not trained on').
select * from answers_counted($loops, null, $tau, $by_training)
where $until is null or iteration <= $until
order by loop, iteration, origin, topic, knowledge;

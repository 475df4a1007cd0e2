-- As answer_counts_at, where every question has a single answer.
select * from answers_counted_single($loops, null, $tau, $by_training)
where $until is null or iteration <= $until
order by loop, iteration, origin, topic, knowledge;

-- Graded answers counted by loop, iteration, origin, topic and knowledge; confident from 0.8 on.
select * from answer_counts
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, origin, topic, knowledge;

-- Calibration of attempted answers: the total, each topic, each category (null = all).
select * from answer_calibration
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, origin, topic nulls first, knowledge nulls first;

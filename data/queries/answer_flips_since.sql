-- Questions that changed since compare_to, at some iterations (null = at every one).
select * from answers_flipped($loops, $iterations, $compare_to)
where $until is null or iteration <= $until
order by loop, iteration, origin, topic, knowledge;

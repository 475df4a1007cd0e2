-- Questions that changed since the iteration before.
select * from answer_flips
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, origin, topic, knowledge;

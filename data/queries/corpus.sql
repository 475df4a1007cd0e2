-- What each iteration of some loops was trained on, by origin and by the iteration that wrote it.
select * from corpus
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, origin, generator_iteration;

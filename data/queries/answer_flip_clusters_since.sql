-- Changes since compare_to over the entities asked about, at some iterations (null = at every one).
select * from answers_flip_clustered($loops, $iterations, $compare_to)
where $until is null or iteration <= $until
order by loop, iteration, origin, topic nulls first, knowledge nulls first;

-- Changes since the iteration before over the entities asked about.
select * from answer_flip_clusters
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, origin, topic nulls first, knowledge nulls first;

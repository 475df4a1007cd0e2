-- Moments of graded answers over the entities asked about, for clustered standard errors.
select * from answer_clusters
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, origin, topic nulls first, knowledge nulls first;

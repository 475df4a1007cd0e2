-- What is told of the iterations of some loops: parents, runs, where training data came from.
select * from iterations
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration;

-- What was measured of iterations in use.
select * from outcomes
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, metric;

-- Who graded the answers of some loops; null = not stated.
select loop, grader, count(*) as answers from answers
where $loops is null or list_contains($loops, loop)
group by loop, grader order by loop, grader;

-- The benchmark questions of some loops with their right answers, each once.
select distinct loop, question_id, question, reference
from answers
where list_contains($loops, loop) and origin = 'benchmark' and question is not null
order by loop, question_id;

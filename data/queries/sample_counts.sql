-- Answers sampled at a known temperature (0 = greedy), counted by question, for SliCK categories.
select loop, iteration, origin, question_id,
    count(*) filter (extra['temperature'] = 0) as greedy_n,
    count(*) filter (extra['temperature'] = 0 and grade = 'correct') as greedy_correct,
    count(*) filter (extra['temperature'] > 0) as sampled_n,
    count(*) filter (extra['temperature'] > 0 and grade = 'correct') as sampled_correct
from answers
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
    and grade is not null and extra['temperature'] is not null
group by loop, iteration, origin, question_id order by loop, iteration, origin, question_id;

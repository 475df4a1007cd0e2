-- Stated and wrong facts of one run by step: from its completions where they were counted
-- (n_fact and n_wrong, or n_claims and n_true), and the rate that the trainer logged itself.
with counted as (
    select phase, step, coalesce(extra['n_fact'], extra['n_claims']) as stated,
        coalesce(extra['n_wrong'], extra['n_claims'] - extra['n_true']) as wrong
    from samples where run_id = $run and ($until is null or step <= $until)
), stated as (
    select phase, step, count(*) as responses, sum(stated)::bigint as stated,
        sum(wrong)::bigint as wrong,
        sum(stated * stated)::double as stated_squares,
        sum(stated * wrong)::double as "cross", sum(wrong * wrong)::double as wrong_squares
    from counted where stated is not null and wrong is not null group by phase, step
), logged as (
    select phase, step, value as rate_logged from scalars
    where run_id = $run and key = 'hallucination_rate' and ($until is null or step <= $until)
)
select coalesce(s.phase, l.phase) as phase, coalesce(s.step, l.step) as step, s.responses,
    s.stated, s.wrong, case when s.stated > 0 then s.wrong / s.stated end as rate, l.rate_logged,
    s.stated_squares, s."cross", s.wrong_squares, m.kl
from stated s full join logged l on l.phase = s.phase and l.step = s.step
left join metrics m on m.run_id = $run and m.phase = coalesce(s.phase, l.phase)
    and m.step = coalesce(s.step, l.step)
order by 1 desc, 2;

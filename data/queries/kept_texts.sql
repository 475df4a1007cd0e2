-- Claims of generated texts, of those kept for training and of the others, by the iteration that
-- wrote them: how many were checked against a source, and how many of these are false.
with texts as (
    select run_id as loop, step as iteration, extra['kept'] > 0 as kept, extra['n_claims'] as claims,
        extra['n_claims'] - extra['n_true'] as false_claims
    from samples
    where list_contains($loops, run_id) and ($until is null or step <= $until)
        and extra['kept'] is not null
)
select loop, iteration, kept, count(*) as texts, count(false_claims) as checked,
    coalesce(sum(claims) filter (false_claims is not null), 0)::bigint as claims,
    coalesce(sum(false_claims), 0)::bigint as "false",
    coalesce(sum(claims * claims) filter (false_claims is not null), 0)::double as own,
    coalesce(sum(claims * false_claims), 0)::double as "cross",
    coalesce(sum(false_claims * false_claims), 0)::double as squares
from texts group by loop, iteration, kept order by loop, iteration, kept;

-- Variance between the members of an ensemble, averaged over the responses to each prompt of each
-- step. Every member is first centred and divided by its spread over the first tenth of the steps.
with members as (
    select step, prompt_id,
        list_transform(cast($keys as varchar[]),
            lambda k: case when k = 'proxy_reward' then proxy_reward else extra[k] end) as scores
    from samples
    where run_id = $run and phase = 'train' and prompt_id is not null
        and ($until is null or step <= $until)
), complete as (
    select * from members where len(list_filter(scores, lambda s: isfinite(s))) = len(scores)
), early as (
    select * from complete
    where step <= (select min(step) + 0.1 * (max(step) - min(step)) from complete)
), spread as (
    select place, avg(scores[place]) as centre, stddev_pop(scores[place]) as sd
    from early, range(1, len(cast($keys as varchar[])) + 1) as r(place) group by place
), scales as (
    select list(centre order by place) as centres, list(sd order by place) as sds from spread
), scaled as (
    select step, prompt_id, list_transform(range(1, len(scores) + 1),
        lambda i: (scores[i] - centres[i]) / nullif(sds[i], 0)) as scores
    from complete, scales
)
select step, prompt_id, count(*) as n, avg(list_var_pop(scores)) as variance
from scaled where list_var_pop(scores) is not null
group by step, prompt_id order by step, prompt_id;

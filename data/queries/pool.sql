-- The samples of a pool, with the further numbers named by keys in their order. The policy of
-- step 0 is the initial one, so either log-probability is that of the reference.
select prompt_id, sample_id, case when completion is not null then hash(completion) end as text,
    proxy_reward, gold_reward, coalesce(logprob_reference, logprob_policy) as log_probability,
    list_transform(cast($keys as varchar[]), lambda k: extra[k]) as further
from samples
where run_id = $run and phase = 'train' and step = 0 and prompt_id is not null
order by prompt_id, sample_id;

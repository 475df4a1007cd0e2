-- Responses of one phase of one run without their texts: rewards, length in characters and, where it
-- was logged with them, in tokens, marks of format, environment. Of a long run one in $one_of of the
-- draws of a prompt at a step, each whole, the same ones whenever it is asked.
with watched as (
    select step, trajectory_id, min(environment) as environment
    from behaviours where run_id = $run and environment is not null
    group by step, trajectory_id
)
select s.step, s.prompt_id, s.proxy_reward as proxy, s.gold_reward as gold,
    coalesce(s.extra['n_tokens'], s.extra['response_length'], s.extra['completion_length'],
        s.extra['completion_tokens'], s.extra['response_tokens'], s.extra['length']) as tokens,
    length(s.completion) as characters,
    regexp_matches(s.completion,
        '(^|\n)\s*([-*+•]|\d+[.)])\s|(^|\n)#{1,6}\s|\*\*|```|(^|\n)\s*\|.*\|') as formatted,
    s.logprob_policy - s.logprob_reference as log_ratio, s.extra[$second] as second,
    coalesce(t.environment, p.environment) as environment
from samples s
left join watched t on t.step = s.step and t.trajectory_id = s.text_id
left join watched p on p.step = s.step and p.trajectory_id = s.prompt_id
where s.run_id = $run and s.phase in ('train', 'eval', 'mixed') and s.phase = $phase
    and ($until is null or s.step <= $until) and s.prompt_id is not null
    and hash(s.step, s.prompt_id) % $one_of = 0
order by s.step, s.prompt_id, s.sample_id;

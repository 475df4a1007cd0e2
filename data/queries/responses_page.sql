-- The next responses of one run in the order of step, prompt and number that pass the filters, after
-- the one named (no place is counted, so page 1,000 costs what page 1 does).
with told as (
    select phase, step, coalesce(prompt_id, '') as prompt_id, coalesce(sample_id, 0) as sample_id,
        proxy_reward, gold_reward, rowid as place
    from samples s
    where run_id = $run and phase in ('train', 'eval', 'mixed') and step between $first and $last
        and ($after_step is null or step > $after_step or (step = $after_step
            and (coalesce(prompt_id, ''), coalesce(sample_id, 0), phase)
                > ($after_prompt, $after_sample, $after_phase)))
        and ($prompt is null or coalesce(prompt_id, '') = $prompt)
        and ($environment is null or exists (from behaviours b where b.run_id = s.run_id
            and b.step = s.step and b.environment = $environment
            and b.trajectory_id in (s.text_id, s.prompt_id)))
        and ($proxy_from is null or proxy_reward >= $proxy_from)
        and ($proxy_to is null or proxy_reward <= $proxy_to)
        and ($gold_from is null or gold_reward >= $gold_from)
        and ($gold_to is null or gold_reward <= $gold_to)
        and ($apart is null or least((proxy_reward - $proxy) / $proxy_sd,
            ($gold - gold_reward) / $gold_sd) >= $apart)
        and ($words is null or contains(lower(completion), lower($words)))
        and ($pattern is null or regexp_matches(completion, $pattern))
    order by step, coalesce(prompt_id, ''), coalesce(sample_id, 0), phase
    limit $rows
)
select * from told order by step, prompt_id, sample_id, phase, place;

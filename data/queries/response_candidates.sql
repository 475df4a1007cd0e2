-- Of each of $bins stretches of steps the $each responses of one run that gained most in proxy over
-- the policy's own start on their prompt (its first draw up to step $early; else the run's start)
-- with gold below it; without gold, that gained most. Both in standard deviations of the run's start.
-- `place` finds their texts (query response_texts).
with draws as (
    select prompt_id, step, avg(proxy_reward) filter (isfinite(proxy_reward)) as proxy,
        avg(gold_reward) filter (isfinite(gold_reward)) as gold
    from samples
    where run_id = $run and phase in ('train', 'eval', 'mixed') and phase = $phase
        and step <= $early and prompt_id is not null
    group by prompt_id, step
), starts as (
    select prompt_id, arg_min(proxy, step) as own_proxy, arg_min(gold, step) as own_gold,
        min(step) as own_step
    from draws group by prompt_id
), told as (
    select s.rowid as place, s.step, coalesce(s.prompt_id, '') as prompt_id,
        coalesce(s.sample_id, 0) as sample_id,
        s.proxy_reward - coalesce(o.own_proxy, $proxy) as gain,
        coalesce(o.own_gold, $gold) - s.gold_reward as loss,
        o.own_proxy is not null as own
    from samples s left join starts o using (prompt_id)
    where s.run_id = $run and s.phase in ('train', 'eval', 'mixed') and s.phase = $phase
        and s.step between $first and $last
        and ($prompt is null or coalesce(s.prompt_id, '') = $prompt)
        and ($environment is null or exists (from behaviours b where b.run_id = s.run_id
            and b.step = s.step and b.environment = $environment
            and b.trajectory_id in (s.text_id, s.prompt_id)))
        and ($proxy_from is null or s.proxy_reward >= $proxy_from)
        and ($proxy_to is null or s.proxy_reward <= $proxy_to)
        and ($gold_from is null or s.gold_reward >= $gold_from)
        and ($gold_to is null or s.gold_reward <= $gold_to)
        and ($words is null or contains(lower(s.completion), lower($words)))
        and ($pattern is null or regexp_matches(s.completion, $pattern))
        and isfinite(s.proxy_reward)
        and s.step > coalesce(o.own_step, -1) -- the first draw is not compared with itself
), scored as (
    select *, case when $with_gold then least(gain / $proxy_sd, loss / $gold_sd)
        else gain / $proxy_sd end as score
    from told
    where not $with_gold or isfinite(loss)
), best as (
    select least($bins - 1, (step - $first) * $bins // greatest($last - $first, 1)) as bin,
        max({'score': score, 'step': step, 'prompt_id': prompt_id, 'sample_id': -sample_id,
            'place': place, 'gain': gain, 'loss': loss, 'own': own}, $each) as those
    from scored
    where score > 0 and isfinite(score) and ($apart is null or score >= $apart)
    group by bin
)
select one.place, one.step, one.prompt_id, -one.sample_id as sample_id, one.score, one.gain,
    case when $with_gold then one.loss end as loss, one.own
from (select unnest(those) as one from best)
order by one.score desc, one.step desc, one.prompt_id, sample_id;

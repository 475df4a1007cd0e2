-- Scores of one run's responses by the judge that scored most of them, each beside the score of
-- those who labelled it: of evaluations where their responses are scored, else of training. A
-- response is found again by its text, else by its number.
with labels as (
    select step, prompt_id, sample_id, nullif(completion, '') as completion, substr(phase, 6) as source,
        gold_reward
    from samples
    where run_id = $run and phase like 'gold:%' and prompt_id is not null
        and ($until is null or step <= $until)
), judged as (
    select step, prompt_id, sample_id, nullif(completion, '') as completion, gold_reward,
        row_number() over (order by step, prompt_id, sample_id) as response
    from samples
    where run_id = $run and gold_reward is not null and prompt_id is not null
        and ($until is null or step <= $until) and exists (from labels)
        and phase = (select min(phase) from samples where run_id = $run and gold_reward is not null
            and phase in ('train', 'eval'))
), found as (
    select j.response, l.source, avg(l.gold_reward order by l.gold_reward) as gold
    from judged j join labels l on l.step = j.step and l.prompt_id = j.prompt_id
        and case when l.completion is not null and j.completion is not null
            then l.completion = j.completion else l.sample_id = j.sample_id end
    group by j.response, l.source
)
select j.step, j.prompt_id, j.response, j.gold_reward as judge, f.source, f.gold
from judged j left join found f using (response)
order by j.response, f.source;

-- Texts of some loops that were kept for training, and the iteration that was trained on them.
select run_id as loop, step + 1 as iteration, coalesce(text_id, prompt_id || '/' || sample_id) as text_id,
    prompt, completion as text
from samples
where list_contains($loops, run_id) and extra['kept'] > 0 and completion is not null
order by loop, iteration, prompt_id, sample_id;

-- Texts of some loops that were kept for training, and the iteration that is trained on them next: what
-- the last one wrote has trained nothing yet.
select run_id as loop, step + 1 as iteration, coalesce(text_id, prompt_id || '/' || sample_id) as text_id,
    prompt, completion as text
from samples s
where list_contains($loops, run_id) and extra['kept'] > 0 and completion is not null
    and exists (from samples t where t.run_id = s.run_id and t.step > s.step)
order by loop, iteration, prompt_id, sample_id;

-- Responses drawn evenly from some steps of one run, the same ones whenever it is asked.
select step, left(coalesce(prompt, ''), $longest) as prompt,
    left(coalesce(completion, ''), $longest) as completion
from samples
where run_id = $run and phase in ('train', 'eval', 'mixed') and phase = $phase
    and list_contains($steps, step) and step between $first and $last
    and hash(step, prompt_id, sample_id) % $one_of = 0
order by step, prompt_id, sample_id, completion;

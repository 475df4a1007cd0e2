-- The KL of a run as the store has it, beside that of an incoming log of it at the same steps.
select m.kl, i.kl as kl_incoming, coalesce(m.response_length, i.response_length) as length
from metrics m join incoming_metrics i using (run_id, phase, step)
where run_id = $run and phase = 'train' and m.kl > 0 and i.kl > 0 and length > 0
order by step limit 1000;

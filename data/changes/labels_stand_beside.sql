-- Responses that people scored, logged alone, do not replace the responses that a judge scored: their
-- scores stand beside them, in phases of their own.
delete from incoming_samples i using (
    select run_id, phase, step, count(*) as kept from samples
    where phase in ('train', 'eval') group by run_id, phase, step
) s, (
    select run_id, phase, step, count(*) as came from incoming_samples
    where phase in ('train', 'eval') group by run_id, phase, step
) c
where i.run_id = s.run_id and i.phase = s.phase and i.step = s.step
    and i.run_id = c.run_id and i.phase = c.phase and i.step = c.step and c.came < s.kept
    and exists (from incoming_samples l where l.run_id = i.run_id and l.step = i.step
        and (l.phase like 'gold:%' or l.phase like 'sealed:%'));

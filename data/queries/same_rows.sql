-- The first rows that a run of this name and an incoming log have in common, side by side.
select m.phase, m.step, m.kl, i.kl as kl_incoming, m.proxy_reward,
    i.proxy_reward as proxy_incoming, m.gold_reward, i.gold_reward as gold_incoming
from metrics m join incoming_metrics i on i.phase = m.phase and i.step = m.step
where m.run_id = $kept and i.run_id = $incoming
order by m.step, m.phase limit 8;

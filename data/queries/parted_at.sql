-- The training step from which on the incoming log of a run is another attempt than the one that
-- the store has: where they differ first, or where the log has steps in between that the store's
-- attempt, which went further, never had. Null where the log is the same, or only longer.
with kept as (
    select step, kl, proxy_reward from metrics where run_id = $run and phase = 'train'
), incoming as (
    select step, kl, proxy_reward from incoming_metrics where run_id = $run and phase = 'train'
), differing as (
    select min(i.step) as step from incoming i join kept k using (step)
    where abs(i.proxy_reward - k.proxy_reward)
        > 1e-6 + 1e-4 * greatest(abs(i.proxy_reward), abs(k.proxy_reward))
), between_them as (
    select min(i.step) as step from incoming i anti join kept k using (step)
    where i.step < (select max(step) from kept)
        and (select max(step) from incoming) < (select max(step) from kept)
)
select least(differing.step, between_them.step) from differing, between_them;

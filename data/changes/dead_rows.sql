-- Removes the rows of an attempt that an incoming log of the same run took over at a step: those
-- from there on that the log does not have. Leaves them in dead_rows.
create or replace temp table dead_rows as
select run_id, phase, step from metrics m
where run_id = getvariable('dead_run') and step >= getvariable('dead_from')
    and (kl is not null or proxy_reward is not null or phase <> 'train')
    and not exists (
        from incoming_metrics i
        where i.run_id = m.run_id and i.phase = m.phase and i.step = m.step
    );
delete from metrics using dead_rows d
where metrics.run_id = d.run_id and metrics.phase = d.phase and metrics.step = d.step;
delete from scalars using dead_rows d
where scalars.run_id = d.run_id and scalars.phase = d.phase and scalars.step = d.step;
delete from samples using dead_rows d
where samples.run_id = d.run_id and samples.phase = d.phase and samples.step = d.step;

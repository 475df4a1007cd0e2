-- Where most responses' gold is that of a source that is sealed now, its scores leave the responses:
-- the runs of a project whose other sources alone have labels of their own.
create or replace temp table main_sealed as
select run_id from runs
where project = getvariable('sealed_project')
    and exists (from gold_evaluations g where g.run_id = runs.run_id and g.source = getvariable('sealed_source'))
    and exists (from samples s where s.run_id = runs.run_id and s.phase like 'gold:%')
    and not exists (
        from samples s where s.run_id = runs.run_id and s.phase = 'gold:' || getvariable('sealed_source')
    );
insert into samples by name
select run_id, 'gold:' || getvariable('sealed_source') as phase, step, prompt_id, sample_id, prompt, completion, gold_reward, text_id
from samples semi join main_sealed using (run_id)
where phase in ('train', 'eval') and gold_reward is not null;
update samples set gold_reward = null
where phase in ('train', 'eval') and run_id in (from main_sealed);

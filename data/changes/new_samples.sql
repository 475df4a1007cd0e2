insert into samples by name
select * from arrived_samples order by run_id, phase, step, prompt_id, sample_id;

insert into gold_evaluations by name
select * from arrived_gold order by run_id, source, step;

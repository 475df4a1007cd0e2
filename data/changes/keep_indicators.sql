-- Computed indicators (the view incoming_indicators) in place of a loop's earlier ones.
delete from indicators where loop in (select loop from incoming_indicators);
insert into indicators by name
select i.loop, i.method, i.generation, i.rows from incoming_indicators i
where i.loop in (select run_id from runs);

-- What was done with sealed gold: sealed, looked at by a gate, exported, unsealed, in order.
select * from seals where $project is null or project = $project order by "at", seal_id;

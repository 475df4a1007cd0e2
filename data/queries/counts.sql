-- One row: how much is in the store.
select (select number from generation) as generation, (select count(*) from runs) as runs,
    (select count(*) from metrics) as points, (select count(*) from samples) as samples;

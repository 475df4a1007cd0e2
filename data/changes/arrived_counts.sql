-- How many rows of each kind a segment has (from the footers of its files).
select (select count(*) from arrived_metrics), (select count(*) from arrived_scalars),
    (select count(*) from arrived_gold), (select count(*) from arrived_samples);

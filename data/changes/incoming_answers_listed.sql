-- From a segment whose further numbers are lists of pairs, as they were before layout 2.
create or replace temp table incoming_answers as
select * replace (map_from_entries(extra) as extra) from read_parquet($path);

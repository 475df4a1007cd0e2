insert into runs (run_id, project, format, parent, path, facts, warnings, ordinal, generation)
select unnest(cast($run_id as varchar[])), unnest(cast($project as varchar[])),
    unnest(cast($format as varchar[])), unnest(cast($parent as varchar[])),
    unnest(cast($path as varchar[])), unnest(cast($facts as varchar[])),
    unnest(cast($warnings as varchar[])),
    (select coalesce(max(ordinal) + 1, 0) from runs) + unnest(range(len($run_id))),
    cast($generation as bigint);

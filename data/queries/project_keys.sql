-- Every further number that some run of a project logs, by name.
select distinct s.key from scalars s join runs r using (run_id) where r.project = $project
order by s.key;

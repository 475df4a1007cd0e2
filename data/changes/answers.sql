-- Answers and corpora of one segment into their tables, and their rollups; leaves answers_by_run.
-- A key that is already there with other content is replaced whole; answers that repeat a key
-- within a segment are kept side by side.
create or replace temp table incoming_prints as
select loop, iteration, origin, question_id, sample_id, sum(hash(a)::hugeint) as print,
    count(*) as n, count(grade) as graded
from incoming_answers a group by loop, iteration, origin, question_id, sample_id;

create or replace temp table kept_answer_prints as
select loop, iteration, origin, question_id, sample_id, sum(hash(a)::hugeint) as print
from answers a
where (loop, iteration, origin) in (select distinct loop, iteration, origin from incoming_prints)
group by loop, iteration, origin, question_id, sample_id;

create or replace temp table changed_answers as
select i.*, k.print is null as is_new
from incoming_prints i
left join kept_answer_prints k using (loop, iteration, origin, question_id, sample_id)
where k.print is distinct from i.print;

delete from answers a using changed_answers c
where not c.is_new and a.loop = c.loop and a.iteration = c.iteration and a.origin = c.origin
    and a.question_id = c.question_id and a.sample_id = c.sample_id;
insert into answers by name
select i.* from incoming_answers i
semi join changed_answers c using (loop, iteration, origin, question_id, sample_id)
order by loop, origin, iteration, question_id, sample_id;

-- Texts of one origin and generator may stand in several rows (verified or not, by licence): the
-- rows of a group that is not as before replace all of it.
create or replace temp table changed_corpus_groups as
with prints as (
    select loop, iteration, origin, generator_iteration, sum(hash(c)::hugeint) as print
    from incoming_corpus c group by all
), kept as (
    select loop, iteration, origin, generator_iteration, sum(hash(c)::hugeint) as print
    from corpus c group by all
)
select p.loop, p.iteration, p.origin, p.generator_iteration
from prints p left join kept k on k.loop = p.loop and k.iteration = p.iteration
    and k.origin = p.origin and k.generator_iteration is not distinct from p.generator_iteration
where k.print is distinct from p.print;
create or replace temp table changed_corpus as
select i.* from incoming_corpus i join changed_corpus_groups c on i.loop = c.loop
    and i.iteration = c.iteration and i.origin = c.origin
    and i.generator_iteration is not distinct from c.generator_iteration;
delete from corpus o using changed_corpus_groups c
where o.loop = c.loop and o.iteration = c.iteration and o.origin = c.origin
    and o.generator_iteration is not distinct from c.generator_iteration;
insert into corpus by name
select * from changed_corpus order by loop, iteration, origin, generator_iteration;

create or replace temp table changed_audits as
select * from incoming_audits except select * from audits;
delete from audits o using changed_audits c
where o.loop = c.loop and o.iteration = c.iteration and o.origin = c.origin
    and o.question_id = c.question_id and o.sample_id = c.sample_id;
insert into audits by name
select * from changed_audits order by loop, iteration, origin, question_id, sample_id;

create or replace temp table changed_behaviours as
select i.*, b.value is null as is_new
from incoming_behaviours i
left join behaviours b using (run_id, step, environment, trajectory_id, behaviour, source)
where i.value is distinct from b.value;
delete from behaviours b using changed_behaviours c
where not c.is_new and b.run_id = c.run_id and b.step = c.step
    and b.environment = c.environment and b.trajectory_id = c.trajectory_id
    and b.behaviour = c.behaviour and b.source = c.source;
insert into behaviours by name
select * exclude (is_new) from changed_behaviours
order by run_id, behaviour, source, environment, step, trajectory_id;

create or replace temp table answers_by_run as
with counts as (
    select loop, sum(graded) filter (is_new) as answers, 0 as behaviours,
        sum(n) filter (not is_new) as replaced, count(*) as moved
    from changed_answers group by loop
    union all
    select loop, 0, 0, 0, count(*) from changed_corpus group by loop
    union all
    select loop, 0, 0, 0, count(*) from changed_audits group by loop
    union all
    select run_id, 0, count(*) filter (is_new), count(*) filter (not is_new), count(*)
    from changed_behaviours group by run_id
)
select loop as run_id, coalesce(sum(answers), 0)::bigint as answers,
    coalesce(sum(behaviours), 0)::bigint as behaviours,
    coalesce(sum(replaced), 0)::bigint as replaced, sum(moved)::bigint as moved
from counts group by loop;

-- Rollups of what changed: the iteration itself, and the flips of the one after it.
set variable changed_loops = (select list(distinct loop) from changed_answers);
set variable changed_iterations = (select list(distinct iteration) from changed_answers);
set variable compared_iterations = (
    select list(distinct iteration) from answers_compared(getvariable('changed_loops'), null)
    where list_contains(getvariable('changed_iterations'), iteration)
        or list_contains(getvariable('changed_iterations'), from_iteration)
);
delete from answer_counts where list_contains(getvariable('changed_loops'), loop)
    and list_contains(getvariable('changed_iterations'), iteration);
delete from answer_clusters where list_contains(getvariable('changed_loops'), loop)
    and list_contains(getvariable('changed_iterations'), iteration);
delete from answer_cells where list_contains(getvariable('changed_loops'), loop)
    and list_contains(getvariable('changed_iterations'), iteration);
delete from answer_calibration where list_contains(getvariable('changed_loops'), loop)
    and list_contains(getvariable('changed_iterations'), iteration);
delete from answer_flips where list_contains(getvariable('changed_loops'), loop)
    and list_contains(getvariable('compared_iterations'), iteration);
delete from answer_flip_clusters where list_contains(getvariable('changed_loops'), loop)
    and list_contains(getvariable('compared_iterations'), iteration);
insert into answer_counts
select * from answers_counted(
    coalesce(getvariable('changed_loops'), []), getvariable('changed_iterations'), 0.8, false);
insert into answer_clusters
select * from answers_clustered(
    coalesce(getvariable('changed_loops'), []), getvariable('changed_iterations'));
insert into answer_cells
select * from answers_binned(
    coalesce(getvariable('changed_loops'), []), getvariable('changed_iterations'));
insert into answer_calibration
select * from answers_calibrated(
    coalesce(getvariable('changed_loops'), []), getvariable('changed_iterations'));
insert into answer_flips
select * from answers_flipped(
    coalesce(getvariable('changed_loops'), []), getvariable('compared_iterations'), null);
insert into answer_flip_clusters
select * from answers_flip_clustered(
    coalesce(getvariable('changed_loops'), []), getvariable('compared_iterations'), null);

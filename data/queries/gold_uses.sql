-- How often the gold of a run or loop was looked at to choose something: decisions, notes with a
-- decision, closed reviews that showed it. Runs of one project whose gold is of one version share
-- their gold, and count together; without a version nothing can be told to be the same.
with versions as (
    select run_id, gold_version from metrics
    where gold_version is not null and gold_reward is not null
    union
    select run_id, gold_version from gold_evaluations
    where gold_version is not null and gold_reward is not null and source not like 'sealed:%'
), sharing as (
    select $run as run_id
    union
    select other.run_id
    from versions mine join versions other using (gold_version)
        join runs a on a.run_id = mine.run_id
        join runs b on b.run_id = other.run_id and b.project = a.project
    where mine.run_id = $run
)
select 'decision' as kind, count(*) as times, (select count(*) from sharing) as runs
from decisions
where loop in (from sharing) and ($until is null or iteration is null or iteration <= $until)
union all
select 'note', count(*), (select count(*) from sharing)
from notes
where run_id in (from sharing) and decision is not null and not removed
    and edit = (select max(edit) from notes later where later.note_id = notes.note_id)
union all
select 'review', count(*), (select count(*) from sharing)
from closed_reviews
where exists (
    select 1 from sharing where list_contains(json_keys(state, '$.runs'), sharing.run_id)
)
order by kind;

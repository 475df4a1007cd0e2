-- Notes as they stand, of some runs or of all, the latest first; those taken away are left out.
select note_id, edit, run_id, step, iteration, topic, pin_id, text, decision, owner, due, "by", "at"
from notes
where ($runs is null or list_contains($runs, run_id))
    and ($pin is null or pin_id = $pin)
    and not removed
    and edit = (select max(edit) from notes later where later.note_id = notes.note_id)
order by "at" desc, note_id;

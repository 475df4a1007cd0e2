-- Every edit of a note, as first written first.
select edit, text, decision, owner, due, "by", "at", removed from notes
where note_id = $note order by edit;

-- Attempted answers by fine cell of confidence, for calibration.
select * from answer_cells
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, origin, topic, knowledge, cell;

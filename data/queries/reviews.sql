-- Blinded choices of raters between two responses, by loop and iteration.
select * from reviews
where ($loops is null or list_contains($loops, loop)) and ($until is null or iteration <= $until)
order by loop, iteration, item_id, rater;

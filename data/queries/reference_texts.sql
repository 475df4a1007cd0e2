-- Texts of people that the texts of some loops are compared with.
select * from reference_texts where $loops is null or list_contains($loops, loop)
order by loop, text_id;

-- Embeddings of the texts of some loops that are kept, and by which model they are.
select loop, iteration, text_id, prompt, model, vector
from embeddings
where list_contains($loops, loop)
    and ($iterations is null or list_contains($iterations, iteration))
order by loop, iteration, text_id;

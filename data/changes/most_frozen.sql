-- Of the frozen views of each run whose verdicts came just now, the last ones that were kept.
delete from verdicts where rowid in (
    select v.rowid from verdicts v semi join incoming_verdicts i using (run_id)
    where v.until_step <> -1
    qualify row_number() over (partition by v.run_id order by v.rowid desc) > $most
);

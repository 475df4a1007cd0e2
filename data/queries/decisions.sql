-- What people decided on iterations of some loops, or on runs, in the order of their decisions.
select * from decisions
where ($loops is null or list_contains($loops, loop))
    and ($until is null or iteration is null or iteration <= $until)
order by loop, "at", iteration, decision, "by";

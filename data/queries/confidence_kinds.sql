-- What kind of confidence the answers of some loops carry; null = not stated.
select loop, confidence_kind, count(*) as answers from answers
where confidence is not null and ($loops is null or list_contains($loops, loop))
group by loop, confidence_kind order by loop, confidence_kind;

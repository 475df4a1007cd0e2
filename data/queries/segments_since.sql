-- Segments behind a name, in the order in which they were committed, with what came of each.
select segment, kind, result from segments where segment > $since order by segment;

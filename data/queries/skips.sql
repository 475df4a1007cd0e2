-- What could not be read, the latest first.
select path, reason, seen_at from skips order by seen_at desc, path;

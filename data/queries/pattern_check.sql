-- Whether a regular expression can be read at all.
select regexp_matches('', $pattern) as found;

-- What an import says anew of logs that cannot be read: reasons that were not kept of them, and
-- kept ones that hold no more. No rows where it only says once more what was known.
with told as (
    select path, reason from read_parquet($skips)
), kept as (
    select path, reason from skips
    where path in (select path from told union all select path from read_parquet($read))
)
(from told except from kept) union all (from kept except from told);

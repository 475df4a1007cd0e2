-- Responses of one run: rewards back under their logged columns, then the chosen ones as ours.
update incoming_samples s set
    proxy_reward = case when $proxy is null then null else l.logged[$proxy] end,
    gold_reward = case when $gold is null then null else l.logged[$gold] end,
    extra = map_from_entries(list_filter(
        map_entries(l.logged),
        lambda pair: pair.key is distinct from $proxy and pair.key is distinct from $gold
    ))
from (
    select rowid as id, map_concat(
        coalesce(extra, map()),
        map_from_entries(list_filter(
            [{'key': $proxy_was, 'value': proxy_reward}, {'key': $gold_was, 'value': gold_reward}],
            lambda pair: pair.value is not null
        ))
    ) as logged
    from incoming_samples where run_id = $run and phase in ('train', 'eval', 'mixed')
) l
where s.rowid = l.id;

-- How the training rows of runs begin: which may be one log, imported under two names.
select run_id, min(step) as step, arg_min(kl, step) as kl, arg_min(proxy_reward, step) as proxy,
    arg_min(gold_reward, step) as gold
from metrics where phase = 'train' and list_contains($runs, run_id)
group by run_id;

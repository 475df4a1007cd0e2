-- Training responses of one run averaged by step and prompt.
select step, prompt_id, n, gold_n, gold_reward, proxy_reward from prompt_rewards
where run_id = $run and ($until is null or step <= $until)
order by step, prompt_id;

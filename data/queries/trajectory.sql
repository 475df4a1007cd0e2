-- Every training row of one run: where the policy was, and what the optimiser saw.
select step, stretch, kl, proxy_reward, proxy_reward_sd, response_length from metrics
where run_id = $run and phase = 'train' and ($until is null or step <= $until)
order by step;

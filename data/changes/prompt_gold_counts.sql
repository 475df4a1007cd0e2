-- Version 4: how many of a prompt's responses carry gold, to weigh prompts in a clustered error.
alter table prompt_rewards add column gold_n bigint;
comment on column prompt_rewards.gold_n is 'Responses that carry a gold reward, count';
update prompt_rewards set gold_n = counted.gold_n from (
    select run_id, step, prompt_id, count(gold_reward) as gold_n
    from samples where phase = 'train' and prompt_id is not null group by run_id, step, prompt_id
) as counted
where prompt_rewards.run_id = counted.run_id and prompt_rewards.step = counted.step
    and prompt_rewards.prompt_id = counted.prompt_id;

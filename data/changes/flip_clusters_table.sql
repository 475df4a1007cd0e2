-- Version 8: changes over the entities asked about, as a rollup.
create table answer_flip_clusters (
    loop varchar not null, iteration bigint not null, from_iteration bigint not null,
    origin varchar not null, topic varchar, knowledge varchar, entities bigint not null,
    moved bigint not null, entity_questions bigint not null, entity_squares bigint not null,
    entity_cross double not null, entity_difference double not null,
    entity_difference_squares double not null
);
comment on table answer_flip_clusters is 'Rollup: changes since the iteration before over entities; the total, each topic, each category (null = all)';
comment on column answer_flip_clusters.loop is 'Run';
comment on column answer_flip_clusters.iteration is 'Later iteration';
comment on column answer_flip_clusters.from_iteration is 'Iteration before it in the same loop and origin';
comment on column answer_flip_clusters.origin is 'Origin of the questions';
comment on column answer_flip_clusters.topic is 'Topic at the later iteration; null = all';
comment on column answer_flip_clusters.knowledge is 'SliCK category at the later iteration; null = all';
comment on column answer_flip_clusters.entities is 'Entities with a shared question, count';
comment on column answer_flip_clusters.moved is 'Entities whose summed change is not 0, count';
comment on column answer_flip_clusters.entity_questions is 'Shared questions, count';
comment on column answer_flip_clusters.entity_squares is 'Sum over entities of shared questions squared';
comment on column answer_flip_clusters.entity_cross is 'Sum over entities of shared questions times summed change';
comment on column answer_flip_clusters.entity_difference is 'Sum over entities of the summed change (now - before)';
comment on column answer_flip_clusters.entity_difference_squares is 'Sum over entities of its square';
insert into answer_flip_clusters select * from answers_flip_clustered(null, null, null);

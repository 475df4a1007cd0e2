-- Version 6: calibration by topic and category as a rollup of its own; cells of the total alone.
create table answer_calibration (
    loop varchar not null, iteration bigint not null, origin varchar not null, topic varchar,
    knowledge varchar, n_calibration bigint not null, ece double not null, ece_null double not null,
    auroc double, brier double not null
);
comment on table answer_calibration is 'Rollup: calibration of attempted answers; the total, each topic, each category (null = all)';
comment on column answer_calibration.loop is 'Run';
comment on column answer_calibration.iteration is 'Iteration';
comment on column answer_calibration.origin is 'Origin of the questions';
comment on column answer_calibration.topic is 'Topic; null = all';
comment on column answer_calibration.knowledge is 'SliCK category; null = all';
comment on column answer_calibration.n_calibration is 'Attempted answers with a confidence, count';
comment on column answer_calibration.ece is 'Expected calibration error over 15 right-closed bins, 0..1';
comment on column answer_calibration.ece_null is 'Its mean for a calibrated model with the same confidences, 0..1';
comment on column answer_calibration.auroc is 'P(a right answer is more confident than a wrong one), 0..1; null = all right or all wrong';
comment on column answer_calibration.brier is 'Mean squared distance of confidence from the grade, 0..1';
insert into answer_calibration select * from answers_calibrated(null, null);
create or replace temp table total_cells as select * from answers_binned(null, null);
delete from answer_cells;
insert into answer_cells select * from total_cells order by loop, origin, iteration, cell;

-- Version 2: the rollups of graded answers. (Answers and corpora themselves are declared.)
create table answer_counts (
    loop varchar not null, iteration bigint not null, origin varchar not null, topic varchar,
    knowledge varchar, n bigint not null, correct bigint not null, incorrect bigint not null,
    not_attempted bigint not null, ungraded bigint not null, measured bigint not null,
    confident bigint not null, confident_incorrect bigint not null, malformed bigint not null,
    confident_malformed bigint not null, confidence_sum double not null,
    confidence_n bigint not null, confidence_refused bigint not null, questions bigint not null,
    correct_share double not null, incorrect_share double not null,
    incorrect_squares double not null, measured_questions bigint not null,
    confident_share double not null, confident_squares double not null
);
comment on table answer_counts is 'Rollup: answers counted by loop, iteration, origin, topic, knowledge; confident at 0.8';
comment on column answer_counts.loop is 'Run';
comment on column answer_counts.iteration is 'Iteration';
comment on column answer_counts.origin is 'Origin of the questions';
comment on column answer_counts.topic is 'Topic; null = not stated';
comment on column answer_counts.knowledge is 'SliCK category; null = not stated';
comment on column answer_counts.n is 'Graded answers, count';
comment on column answer_counts.correct is 'Graded correct, count';
comment on column answer_counts.incorrect is 'Graded incorrect, count';
comment on column answer_counts.not_attempted is 'Graded not attempted, count';
comment on column answer_counts.ungraded is 'Answers without a known grade, count';
comment on column answer_counts.measured is 'Graded answers with a confidence, or not attempted, count';
comment on column answer_counts.confident is 'Attempted answers with confidence >= 0.8, count';
comment on column answer_counts.confident_incorrect is 'Of these graded incorrect, count';
comment on column answer_counts.malformed is 'Incorrect and malformed, count';
comment on column answer_counts.confident_malformed is 'Confident, incorrect and malformed, count';
comment on column answer_counts.confidence_sum is 'Sum of the confidences of graded answers, each 0..1';
comment on column answer_counts.confidence_n is 'Graded answers with a confidence, count';
comment on column answer_counts.confidence_refused is 'Graded answers with a confidence outside 0..1, count';
comment on column answer_counts.questions is 'Distinct questions with a graded answer, count';
comment on column answer_counts.correct_share is 'Sum over questions of the share graded correct, each 0..1';
comment on column answer_counts.incorrect_share is 'Sum over questions of the share graded incorrect, each 0..1';
comment on column answer_counts.incorrect_squares is 'Sum over questions of the square of that share';
comment on column answer_counts.measured_questions is 'Distinct questions with a measured answer, count';
comment on column answer_counts.confident_share is 'Sum over questions of the share confident and incorrect, each 0..1';
comment on column answer_counts.confident_squares is 'Sum over questions of the square of that share';

create table answer_flips (
    loop varchar not null, iteration bigint not null, from_iteration bigint not null,
    origin varchar not null, topic varchar, knowledge varchar, shared bigint not null,
    newly_wrong bigint not null, newly_right bigint not null, wrong_before double not null,
    wrong_now double not null, difference_sum double not null, difference_squares double not null,
    several bigint not null
);
comment on table answer_flips is 'Rollup: questions that changed since the iteration before';
comment on column answer_flips.loop is 'Run';
comment on column answer_flips.iteration is 'Later iteration';
comment on column answer_flips.from_iteration is 'Iteration before it in the same loop and origin';
comment on column answer_flips.origin is 'Origin of the questions';
comment on column answer_flips.topic is 'Topic at the later iteration; null = not stated';
comment on column answer_flips.knowledge is 'SliCK category at the later iteration; null = not stated';
comment on column answer_flips.shared is 'Questions graded at both, count';
comment on column answer_flips.newly_wrong is 'Questions whose wrong share rose, count';
comment on column answer_flips.newly_right is 'Questions whose wrong share fell, count';
comment on column answer_flips.wrong_before is 'Sum over shared questions of the wrong share before, each 0..1';
comment on column answer_flips.wrong_now is 'Sum over shared questions of the wrong share now, each 0..1';
comment on column answer_flips.difference_sum is 'Sum over shared questions of now - before';
comment on column answer_flips.difference_squares is 'Sum over shared questions of its square';
comment on column answer_flips.several is 'Shared questions with several answers on either side, count';

create table answer_clusters (
    loop varchar not null, iteration bigint not null, origin varchar not null, topic varchar,
    knowledge varchar, clusters bigint not null, n_squares bigint not null, "cross" bigint not null,
    incorrect_squares bigint not null
);
comment on table answer_clusters is 'Rollup: moments over entities; the total, each topic, each category (null = all)';
comment on column answer_clusters.loop is 'Run';
comment on column answer_clusters.iteration is 'Iteration';
comment on column answer_clusters.origin is 'Origin of the questions';
comment on column answer_clusters.topic is 'Topic; null = all';
comment on column answer_clusters.knowledge is 'SliCK category; null = all';
comment on column answer_clusters.clusters is 'Entities, count';
comment on column answer_clusters.n_squares is 'Sum over entities of graded answers squared';
comment on column answer_clusters."cross" is 'Sum over entities of graded answers times incorrect ones';
comment on column answer_clusters.incorrect_squares is 'Sum over entities of incorrect answers squared';

create table answer_cells (
    loop varchar not null, iteration bigint not null, origin varchar not null, topic varchar,
    knowledge varchar, cell bigint not null, n bigint not null, correct bigint not null,
    confidence_sum double not null, squares_sum double not null, confidence_correct double not null
);
comment on table answer_cells is 'Rollup: attempted answers with a confidence by fine cell of confidence';
comment on column answer_cells.loop is 'Run';
comment on column answer_cells.iteration is 'Iteration';
comment on column answer_cells.origin is 'Origin of the questions';
comment on column answer_cells.topic is 'Topic; null = not stated';
comment on column answer_cells.knowledge is 'SliCK category; null = not stated';
comment on column answer_cells.cell is 'Cell of confidence: even 2k = exactly k/300, odd = between';
comment on column answer_cells.n is 'Answers, count';
comment on column answer_cells.correct is 'Of these graded correct, count';
comment on column answer_cells.confidence_sum is 'Sum of the confidences, each 0..1';
comment on column answer_cells.squares_sum is 'Sum of their squares';
comment on column answer_cells.confidence_correct is 'Sum of the confidences of those graded correct, each 0..1';

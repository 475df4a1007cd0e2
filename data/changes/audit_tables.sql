-- Version 5: human re-grades of answers, the audit of their grader.
create table audits (
    loop varchar not null, iteration bigint not null, origin varchar not null,
    question_id varchar not null, sample_id bigint not null, grade varchar,
    human_grade varchar not null
);
comment on table audits is 'One row a human re-grade of an answer';
comment on column audits.loop is 'Run: the loop or run whose model answered';
comment on column audits.iteration is 'Iteration of the loop, 0 = base (of a run: the optimiser step)';
comment on column audits.origin is 'Where the question comes from; not stated = that of the answer';
comment on column audits.question_id is 'Stable id of the question';
comment on column audits.sample_id is 'Number of the answer within the question, 0 where there is one';
comment on column audits.grade is 'What the grader said, where the audit repeats it; null = see answers';
comment on column audits.human_grade is 'What a human said: correct, incorrect or not_attempted';

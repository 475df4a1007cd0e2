-- Of the kinds and in the order that the store has, so that equal rows are equal.
create or replace temp table incoming_answers as from answers limit 0;
create or replace temp table incoming_corpus as from corpus limit 0;
create or replace temp table incoming_audits as from audits limit 0;
create or replace temp table incoming_behaviours as from behaviours limit 0;

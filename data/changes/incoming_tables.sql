-- Of the kinds that the store has, whatever a segment packs its numbers as.
create or replace temp table incoming_metrics as from metrics limit 0;
create or replace temp table incoming_scalars as from scalars limit 0;
create or replace temp table incoming_gold as from gold_evaluations limit 0;

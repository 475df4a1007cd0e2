-- A segment's rows as they lie in its files, in the folder that a variable names. Answers go another way.
create or replace temp view arrived_metrics as
select * from read_parquet(getvariable('segment') || '/metrics.parquet', file_row_number = true);
create or replace temp view arrived_scalars as
select * from read_parquet(getvariable('segment') || '/scalars.parquet');
create or replace temp view arrived_gold as
select * from read_parquet(getvariable('segment') || '/gold.parquet');
create or replace temp view arrived_samples as
select * from read_parquet(getvariable('segment') || '/samples.parquet');

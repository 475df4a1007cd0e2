create or replace temp table incoming_samples as select * from read_parquet($path);

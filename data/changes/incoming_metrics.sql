insert into incoming_metrics by name select * from read_parquet($path);

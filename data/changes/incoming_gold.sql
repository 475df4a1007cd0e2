insert into incoming_gold by name select * from read_parquet($path);

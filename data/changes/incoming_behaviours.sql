insert into incoming_behaviours by name select * from read_parquet($path);

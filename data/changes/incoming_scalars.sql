insert into incoming_scalars by name select * from read_parquet($path);

insert into incoming_answers by name select * from read_parquet($path);

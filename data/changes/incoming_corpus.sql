insert into incoming_corpus by name select * from read_parquet($path);

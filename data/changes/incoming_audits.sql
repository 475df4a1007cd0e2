insert into incoming_audits by name select * from read_parquet($path);

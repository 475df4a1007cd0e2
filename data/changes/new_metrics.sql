insert into metrics by name select * exclude (file_row_number) from arrived_metrics;

"""Files of every form as rows: CSV, JSON, Parquet, workbooks, archives."""

"""One segment into the tables: whose run it is, which rows are new, which go."""

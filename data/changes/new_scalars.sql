insert into scalars by name select * from arrived_scalars;

select count(*) from arrived_gold where source = 'table of responses';

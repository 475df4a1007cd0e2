-- Every pin without what it holds, the latest first.
select pin_id, "by", "at", page, address, says, software from pins order by "at" desc, pin_id;

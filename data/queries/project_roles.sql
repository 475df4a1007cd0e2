-- What somebody said of each project's logs: which key is which.
select project, proxy, gold, gold_kind, kl, kl_unit, kl_estimator from project_roles order by project;

select project, proxy, gold, gold_kind, kl, kl_unit, kl_estimator from project_roles;

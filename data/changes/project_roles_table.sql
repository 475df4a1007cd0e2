-- Version 3: which logged key is which in a project, where somebody said so.
create table project_roles (
    project varchar not null, proxy varchar, gold varchar, gold_kind varchar, kl varchar,
    kl_unit varchar, kl_estimator varchar
);
comment on table project_roles is 'One row a project: the keys that somebody chose; null = as recognised';
comment on column project_roles.project is 'Project';
comment on column project_roles.proxy is 'Logged key of the proxy reward';
comment on column project_roles.gold is 'Logged key of the gold reward';
comment on column project_roles.gold_kind is 'score, rate (of trials) or win_rate';
comment on column project_roles.kl is 'Logged key of the KL from the initial policy';
comment on column project_roles.kl_unit is 'Unit of a KL whose log does not say it, e.g. nats/token';
comment on column project_roles.kl_estimator is 'Estimator of a KL whose log does not say it: k1 k2 k3 exact bon_bound';

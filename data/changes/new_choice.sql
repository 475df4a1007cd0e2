insert into project_roles (project, proxy, gold, gold_kind, kl, kl_unit, kl_estimator, kl_reference,
    kl_coefficient, length, step, run_column, lower_is_better, question, grade, answer, reference,
    confidence, topic, grade_map)
values (
    $project, $proxy, $gold, $gold_kind, $kl, $kl_unit, $kl_estimator, $kl_reference,
    $kl_coefficient, $length, $step, $run_column, $lower_is_better,
    $question, $grade, $answer, $reference, $confidence, $topic, $grade_map
);

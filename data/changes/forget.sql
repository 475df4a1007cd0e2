-- Removes the runs in the temporary table affected from every table.
delete from metrics where run_id in (select run_id from affected);
delete from gold_evaluations where run_id in (select run_id from affected);
delete from scalars where run_id in (select run_id from affected);
delete from samples where run_id in (select run_id from affected);
delete from prompt_rewards where run_id in (select run_id from affected);
delete from pooled_curve where run_id in (select run_id from affected);
delete from run_summary where run_id in (select run_id from affected);
delete from verdicts where run_id in (select run_id from affected);
delete from answers where loop in (select run_id from affected);
delete from audits where loop in (select run_id from affected);
delete from corpus where loop in (select run_id from affected);
delete from answer_counts where loop in (select run_id from affected);
delete from answer_flips where loop in (select run_id from affected);
delete from answer_clusters where loop in (select run_id from affected);
delete from answer_calibration where loop in (select run_id from affected);
delete from answer_cells where loop in (select run_id from affected);
delete from runs where run_id in (select run_id from affected);

-- Closed reviews, the latest first.
select review_id, since, until, "by", "at", state from closed_reviews order by "at" desc, review_id;

-- What came of segments that told nothing new is asked for by those who sent them, at once.
delete from segments where kind = 'again'
    and done_at < cast(current_timestamp as timestamp) - interval 1 hour;

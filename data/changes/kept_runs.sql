select run_id, project, format, parent, path, facts, warnings
from runs where list_contains($runs, run_id);

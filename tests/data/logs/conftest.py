"""The scripts here show how the logs were made; they need the trainers' packages, so no tests."""

collect_ignore_glob = ["make_*.py"]

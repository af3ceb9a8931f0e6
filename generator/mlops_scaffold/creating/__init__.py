"""`mlops new` and `mlops setup`: plan a project, write it, make it ready."""

# No CI was chosen, so no token of one is trusted. `mlops add github`, gitlab, circleci or jenkins changes it.

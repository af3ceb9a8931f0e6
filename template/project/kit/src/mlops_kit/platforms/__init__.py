"""Where people look at changes: reports on requests, issues, what CI shares."""

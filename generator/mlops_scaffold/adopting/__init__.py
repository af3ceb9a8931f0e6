"""`mlops adopt`: an existing repository comes under the template, on a branch, and loses nothing."""

"""What is known about an existing project, without changing it: check, diff, explain, its library."""

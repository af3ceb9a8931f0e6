"""Write a plan so that it can be rolled back at any moment, and roll it back."""

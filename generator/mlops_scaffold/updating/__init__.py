"""One update, from its options to its outcome."""

"""The plan of an update, file by file; nothing is written."""

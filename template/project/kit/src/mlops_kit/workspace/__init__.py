"""The workspace of one person: set up a clone, bring in data, run the pipeline, find what is wrong."""

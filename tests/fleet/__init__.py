"""Tests of `mlops fleet`."""

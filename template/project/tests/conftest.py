"""Fixtures of the library: contract, parts, model, saved_model, service. Your own go here too."""

pytest_plugins = ["mlops_kit.testing"]

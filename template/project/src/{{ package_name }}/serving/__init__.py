"""The parts of the service, one job a module; serve.py puts them together."""

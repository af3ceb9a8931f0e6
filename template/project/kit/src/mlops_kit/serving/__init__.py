"""The parts of the service, one job a module."""

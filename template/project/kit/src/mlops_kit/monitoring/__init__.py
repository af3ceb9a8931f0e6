"""Watching a model that is served: drift, a challenger in its shadow, pages."""

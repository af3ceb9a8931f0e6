"""Makes ML repositories that work at once, and keeps them current for years."""

__version__ = "0.2.0"

"""git: its commands, addresses, a project's repository, a store for planning, and files on disk."""

# No CI is trusted: people deploy, with their own login.

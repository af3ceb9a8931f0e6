"""Where the template comes from, its versions, and its table of components."""

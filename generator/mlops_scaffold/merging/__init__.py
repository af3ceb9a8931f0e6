"""Three trees into one: by git, and where git leaves a conflict, by what is known of the format."""

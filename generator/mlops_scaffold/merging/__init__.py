"""Three trees into one: by git, and where git leaves a conflict, by what is known of the file's format.

From the outside in:

- `merged` holds what comes of it.
- `by_git` merges trees with `git merge-tree`; `attributes` tells it the person's own merge drivers.
- `settle` gives each file that git left in conflict to `resolve`; `driver` does so for three files on disk.
- `resolve` tries the merges one after the other: by keys, by words, and both again after the `policies`.
- by keys: `formats` say where a file's entries are, `pieces` cuts it there, `keyed` merges them by their keys.
- by words: `hunks` reads git's conflicts, `words` looks at each more closely, both by `sequences`.
- `guard` proves a result, or it is not taken: it compares facts, which each format reads by a parser of its own.
- what is not settled stays a conflict; `partly` puts the markers around the entries alone that it is about.
"""

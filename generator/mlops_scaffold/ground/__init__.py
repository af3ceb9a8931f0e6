"""What every other room stands on: errors, programs, paths, settings, output, a tree of files, a project's answers."""

"""The entry of `mlops`: the version is printed before anything else is loaded."""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from mlops_scaffold import __version__

        print(f"mlops {__version__}")
        return
    try:
        from mlops_scaffold.cli import run

        run()
    except KeyboardInterrupt:
        print("\nmlops: stopped. No project is left half done.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()

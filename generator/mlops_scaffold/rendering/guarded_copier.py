"""copier's own command line, held to our rule for paths: `python -m mlops_scaffold.rendering.guarded_copier update`."""

import runpy

from mlops_scaffold.rendering.copier_adapter import guard

if __name__ == "__main__":
    guard()
    runpy.run_module("copier", run_name="__main__", alter_sys=True)

"""The service: yours to change. The champion behind a web API; uv run poe serve, documented under /docs.

Routes and middleware of your own go onto the application: https://fastapi.tiangolo.com
"""

from fastapi import FastAPI
from mlops_kit.serving.app import create_app, serve


def application() -> FastAPI:
    """/predict, /v2, /health, /ready and /metrics, and what you add."""
    app = create_app()

    # A route of your own goes here: https://fastapi.tiangolo.com/tutorial/first-steps/
    return app


if __name__ == "__main__":
    serve(application)

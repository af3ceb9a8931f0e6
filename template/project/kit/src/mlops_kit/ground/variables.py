"""The environment variables that the library reads, in one table: the documentation's page is made from it.

A test compares the table with the source. The limits of the service have a table of their own: `serving.limits`.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """An environment variable: its name, its default where it has one, and what it does. Empty counts as not set."""

    name: str
    default: str
    meaning: str


PROJECT = (
    Variable("MLFLOW_TRACKING_URI", "`mlflow.db` of the project", "the MLflow server or database of runs and registry"),
    Variable("MLFLOW_TRACKING_TOKEN", "", "the bearer token of an MLflow server that requires one"),
    Variable("MLFLOW_TRACKING_USERNAME", "", "the user of an MLflow server with passwords"),
    Variable("MLFLOW_TRACKING_PASSWORD", "", "the password of that user"),
    Variable("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2", "retries of the first request to the MLflow server"),
    Variable("MLFLOW_HTTP_REQUEST_TIMEOUT", "10", "seconds until the first request to the MLflow server times out"),
    Variable("MLFLOW_REGISTRY_URI", "`MLFLOW_TRACKING_URI`, always", "MLflow's registry: it is where the runs are"),
    Variable("MLFLOW_PORT", "5000", "the port of `poe ui`"),
    Variable("NO_PROXY", "", "hosts that are reached without a proxy; this machine is added where a proxy is set"),
    Variable("no_proxy", "", "the same; it goes before `NO_PROXY`"),
    Variable("WITHOUT_REMOTE", "", "any value: the DVC remote is not used, and missing data is generated"),
    Variable("TRACEBACK", "", "any value: a stage that fails prints its traceback"),
    Variable("RAY_ADDRESS", "", "the Ray cluster on which `poe search` runs; without it, this machine"),
    Variable("PYTHONDONTWRITEBYTECODE", "", "`poe doctor` reports it: every task starts seconds later"),
)
SERVICE = (
    Variable("HOST", "127.0.0.1", "the address on which the service listens"),
    Variable("PORT", "8000; TensorFlow Serving: 8501", "the port of the service"),
    Variable("GRPC_PORT", "MLServer: 8081; TensorFlow Serving: 8500", "the port of its gRPC interface"),
    Variable("METRICS_PORT", "8082", "MLServer: the port of its metrics"),
    Variable("MODEL_DIR", "", "a folder with the model; an image sets it"),
    Variable("MODEL_MD5", "", "the hash that `MODEL_DIR` must have; an image sets it"),
    Variable("CHAMPION_MD5", "", "the champion that `MODEL_DIR` reproduces; an image sets it"),
    Variable("RELOAD_SECONDS", "30", "seconds between two looks for another champion; 0: never"),
    Variable("PREDICTION_LOG", "no log; the monitoring tasks: `logs`", "the folder of the prediction log"),
    Variable("PREDICTION_LOG_DAYS", "all", "days of the prediction log that are kept"),
    Variable("MODEL_SERVER", "tensorflow_model_server", "the program of TensorFlow Serving"),
    Variable("BATCHING", "", "1: TensorFlow Serving batches requests"),
)
IMAGES = (
    Variable("CONTAINER_ENGINE", "docker", "docker, podman or buildah"),
    Variable("CONTAINER_OPTIONS", "", "more options for every build and run of an image, as in a shell"),
    Variable("DOCKER_HOST", "", "the Docker daemon, where it is on another machine"),
    Variable("IMAGE", "the registry of `cloud.yaml`", "the registry and name to push the image to"),
    Variable("REGISTRY_USER", "", "the user of that registry; without it, the engine's own login is used"),
    Variable("REGISTRY_PASSWORD", "", "the password of that user"),
)
CI = (
    Variable("REPORT_TOKEN", "", "GitLab: a token with the scope `api`, for comments and issues"),
    Variable("GITHUB_TOKEN", "", "GitHub: the job's token, for comments and issues"),
    Variable("CLOUD_ID_TOKEN", "", "GitLab and Jenkins: the job's OpenID Connect token"),
    Variable("CIRCLE_OIDC_TOKEN_V2", "", "CircleCI: the same"),
    Variable("ACTIONS_ID_TOKEN_REQUEST_URL", "", "GitHub: where a job gets its OpenID Connect token"),
    Variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "", "GitHub: the credential for that"),
    Variable("CI", "", "set by most CIs: the job is not on a person's machine"),
    Variable("JENKINS_URL", "", "set by Jenkins: the same"),
    Variable("GITHUB_ACTIONS", "", "set by GitHub"),
    Variable("GITHUB_ACTOR", "", "set by GitHub: who started the job"),
    Variable("GITHUB_API_URL", "", "set by GitHub"),
    Variable("GITHUB_BASE_REF", "", "set by GitHub: the branch that a pull request goes to"),
    Variable("GITHUB_EVENT_PATH", "", "set by GitHub"),
    Variable("GITHUB_REPOSITORY", "", "set by GitHub"),
    Variable("GITHUB_RUN_ID", "", "set by GitHub"),
    Variable("GITHUB_SERVER_URL", "", "set by GitHub"),
    Variable("GITHUB_STEP_SUMMARY", "", "set by GitHub: the file of the job's summary"),
    Variable("GITLAB_CI", "", "set by GitLab"),
    Variable("GITLAB_USER_LOGIN", "", "set by GitLab: who started the job"),
    Variable("CI_API_V4_URL", "", "set by GitLab"),
    Variable("CI_DEFAULT_BRANCH", "", "set by GitLab"),
    Variable("CI_JOB_URL", "", "set by GitLab"),
    Variable("CI_MERGE_REQUEST_IID", "", "set by GitLab"),
    Variable("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "", "set by GitLab: the branch that a merge request goes to"),
    Variable("CI_PROJECT_ID", "", "set by GitLab"),
    Variable("CIRCLE_USERNAME", "", "set by CircleCI: who started the job"),
    Variable("BUILD_USER_ID", "", "set by Jenkins: who started the job"),
    Variable("CHANGE_TARGET", "", "set by Jenkins: the branch that a request goes to"),
)
CLOUDS = (
    Variable("AWS_ROLE_ARN", "", "AWS: the role that a CI job assumes; `poe cloud-login` sets it"),
    Variable("GOOGLE_APPLICATION_CREDENTIALS", "", "Google Cloud: the file of the credentials"),
    Variable("AZURE_CLIENT_ID", "", "Azure: the identity of a CI job; `poe cloud-login` sets it"),
    Variable("AZURE_FEDERATED_TOKEN_FILE", "", "Azure: the file of a CI job's token; `poe cloud-login` sets it"),
    Variable("AZURE_STORAGE_CONNECTION_STRING", "", "Azure: the connection to a storage account, as of its emulator"),
)
PACKAGES = (
    Variable("OMP_NUM_THREADS", "1 in the service", "threads of a fit or a prediction"),
    Variable("GOMP_SPINCOUNT", "1000", "how long waiting OpenMP threads spin before they sleep"),
    Variable("KMP_BLOCKTIME", "0", "the same for LLVM's OpenMP (macOS), in ms"),
    Variable("OMP_WAIT_POLICY", "", "how OpenMP threads wait, active or passive: instead of the two above"),
    Variable("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false in `poe ui`", "MLflow's workers that score language models"),
    Variable("TF_CPP_MIN_LOG_LEVEL", "2", "what TensorFlow logs: 2 is errors"),
    Variable("TF_ENABLE_ONEDNN_OPTS", "0", "TensorFlow's oneDNN: with 1, results differ by machine"),
    Variable("KERAS_BACKEND", "tensorflow", "what Keras computes with"),
    Variable("RAY_BACKEND_LOG_LEVEL", "error", "what Ray logs"),
    Variable("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0, always", "Ray's own environments of uv: the nodes have theirs"),
)
TABLE = {
    "Data, runs, search": PROJECT,
    "Service": SERVICE,
    "Images": IMAGES,
    "CI": CI,
    "Clouds": CLOUDS,
    "Other packages": PACKAGES,
}


def first_set(*names: str, default: str = "") -> str:
    """The value of the first of some variables that is set."""
    return next((os.environ[name] for name in names if os.environ.get(name)), default)

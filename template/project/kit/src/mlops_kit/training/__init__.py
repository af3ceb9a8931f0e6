"""What the stages of the pipeline are made of: fit, keep, measure."""

from mlops_kit.training.keeping import fit, keep, save
from mlops_kit.training.measuring import latency_ms, measure, score, score_slices, slices, write_report
from mlops_kit.training.metrics import MetricError, check_metrics, positive_class, scorer
from mlops_kit.training.plots import plot_file, read_plot, write_plots
from mlops_kit.training.stages import stage

__all__ = [
    "MetricError",
    "check_metrics",
    "fit",
    "keep",
    "latency_ms",
    "measure",
    "plot_file",
    "positive_class",
    "read_plot",
    "save",
    "score",
    "score_slices",
    "scorer",
    "slices",
    "stage",
    "write_plots",
    "write_report",
]

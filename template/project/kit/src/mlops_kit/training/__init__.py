"""What the stages of the pipeline are made of: fit, keep, measure."""

from mlops_kit.training.keeping import fit, keep, save
from mlops_kit.training.measuring import latency_ms, measure, score, score_slices, write_report
from mlops_kit.training.stages import stage

__all__ = ["fit", "keep", "latency_ms", "measure", "save", "score", "score_slices", "stage", "write_report"]

"""Whether labels are judged by nets at all; torch is imported only where they are."""

from collections.abc import Sequence
from importlib.util import find_spec

from tasks.errors import ParamsError
from tasks.evidence.cohort import cohort_size
from tasks.params import Params
from tasks.schema import Video
from tasks.storage.layout import DataFolder
from tasks.training.samples import Progress, silent


def check_evidence(params: Params) -> None:
    """Raises ParamsError when the settings ask for judges and PyTorch is not installed."""
    if params.evidence.rounds and find_spec("torch") is None:
        raise ParamsError(
            f"evidence.rounds is {params.evidence.rounds}, and PyTorch is not installed",
            "pip install 'framewords[train]', or set evidence.rounds: 0 for labels from timing alone")


def judge_labels(data: DataFolder, videos: Sequence[Video], params: Params, progress: Progress = silent) -> str:
    """Bring data/evidence up to date with the labels of the videos, in list order. Returns what came of it, in one line."""
    data.evidence_root.mkdir(parents=True, exist_ok=True)
    labelled = sum(data.examples(video.id).is_file() for video in videos if not video.is_forgotten)
    wanted = params.evidence
    if not wanted.rounds or not cohort_size(labelled, wanted.first_videos, wanted.max_videos):
        for path in data.evidence_root.glob("*.parquet"):
            path.unlink()
        why = f"{labelled} of {wanted.first_videos} videos" if wanted.rounds else "evidence.rounds is 0"
        return f"labels from timing alone ({why})"
    check_evidence(params)
    from tasks.evidence.crossfit import gather_evidence

    summary = gather_evidence(
        data.labels_root, videos, data.evidence_root, params.alignment, wanted, params.dataset.duplicate_bits, progress)
    if not summary.cohort:
        return "labels from timing alone (all videos repeat each other: none is unseen)"
    return (f"{summary.labelled} videos judged by {summary.folds} nets that learnt from {summary.cohort}; "
            f"{summary.written} judged now; weights moved by {summary.moved[-1]:.4f} in the last of {len(summary.moved)} rounds")

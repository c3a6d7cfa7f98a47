"""Where things lie below the data folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataFolder:
    """The data folder of one project: what is in git, what DVC tracks, and what belongs to this machine only."""

    root: Path

    @property
    def catalogue(self) -> Path:
        return self.root / "videos.csv"

    @property
    def forgotten(self) -> Path:
        """Beside the list and in git like it: what must not be listed again."""
        return self.root / "forgotten.csv"

    @property
    def labels_root(self) -> Path:
        return self.root / "labels"

    @property
    def evidence_root(self) -> Path:
        """Labels as judged by what nets see in the pictures, one file a video."""
        return self.root / "evidence"

    @property
    def models(self) -> Path:
        """Trained nets, a folder a version below one a net; champion.json beside them, in git, says which is in use."""
        return self.root / "models"

    @property
    def training(self) -> Path:
        """What the newest net was made from: a dataset and the net it began with; in git."""
        return self.root / "training.json"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def work(self) -> Path:
        """Intermediates of the run at work; swept when the next one starts."""
        return self.root / ".work"

    @property
    def inbox(self) -> Path:
        """Files of bucket sources, until they are media."""
        return self.root / "inbox"

    @property
    def cache(self) -> Path:
        """What can be computed again from the labels at any time."""
        return self.root / ".cache"

    def media(self, video_id: str) -> Path:
        return self.root / "media" / video_id

    def labels(self, video_id: str) -> Path:
        return self.labels_root / video_id

    def frames(self, video_id: str) -> Path:
        return self.labels(video_id) / "frames.parquet"

    def heard(self, video_id: str) -> Path:
        return self.labels(video_id) / "heard.parquet"

    def words(self, video_id: str) -> Path:
        return self.labels(video_id) / "words.parquet"

    def examples(self, video_id: str) -> Path:
        return self.labels(video_id) / "examples.parquet"

    def sheet(self, video_id: str) -> Path:
        """The contact sheet of a video, drawn from its labels when somebody may look."""
        return self.cache / "sheets" / f"{video_id}.svg"

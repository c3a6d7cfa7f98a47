"""A project: the folder that holds params.yaml, dvc.yaml and data/, kept in git, its large files tracked by DVC."""

from dataclasses import dataclass
from pathlib import Path

from tasks.errors import InputError
from tasks.storage.layout import DataFolder


@dataclass(frozen=True)
class Project:
    """Paths of one project. root: absolute."""

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def pipeline(self) -> Path:
        return self.root / "dvc.yaml"

    @property
    def lock(self) -> Path:
        """What DVC last saw of every stage: hashes of what went in and what came out."""
        return self.root / "dvc.lock"

    @property
    def data(self) -> DataFolder:
        return DataFolder(self.root / "data")

    @property
    def private(self) -> Path:
        """What belongs to this machine and is in no version: Prefect's database, locks of what runs."""
        return self.root / ".framewords"

    @property
    def settings(self) -> Path:
        """DVC's own settings, in git: where the remote is. Never a secret."""
        return self.root / ".dvc" / "config"


def find_project(folder: Path) -> Project:
    """The project in `folder`. Raises InputError when it is none."""
    root = folder.absolute()
    missing = [name for name in ("params.yaml", "dvc.yaml", ".dvc", ".git") if not (root / name).exists()]
    if missing:
        raise InputError(f"{root}: not a project ({', '.join(missing)} missing)", "make one with `framewords init`")
    return Project(root)

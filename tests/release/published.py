"""Media as a download leaves it, and projects copied whole."""

import shutil
from pathlib import Path

import numpy as np

from tasks.download.media import RECORD, Gathered, write_record
from tasks.storage.artefact import Fingerprint
from tasks.storage.project import Project

MEDIA_BYTES = 20_000


def make_media(folder: Path, video_id: str, seed: int = 0) -> None:
    """A folder as a download leaves it; another seed is another picture."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)
    (folder / "picture.mp4").write_bytes(np.random.default_rng([seed, *video_id.encode()]).bytes(MEDIA_BYTES))
    (folder / "info.json").write_text(f'{{"title": "About {video_id}"}}\n')
    fingerprint = Fingerprint("download", 1, {"max_height_px": 360}, {"url": video_id})
    write_record(folder, video_id, Gathered("picture.mp4", "picture.mp4", 30.0), fingerprint)


def copy_project(project: Project, root: Path) -> Project:
    """The same project elsewhere, modes of the cache's objects included."""
    shutil.copytree(project.root, root, symlinks=True)
    return Project(root)

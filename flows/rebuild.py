"""The pictures of a recipe again: fetch each video, grab its frames at the recipe's times, check each by its hash."""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tasks.dataset.rebuild import RebuildSummary, rebuild
from tasks.download.fetch import fetch_media
from tasks.frames.grab import grab_pictures
from tasks.params import Params
from tasks.schema import Video
from tasks.storage.child import run_in_child


def rebuild_recipe(recipe: Path, out: Path, params: Params) -> RebuildSummary:
    """Make the dataset of `recipe` again in the folder `out`, from wherever its videos came from."""
    with tempfile.TemporaryDirectory(prefix="framewords-") as scratch:
        fetch = partial(_fetch, Path(scratch), params)
        return rebuild(recipe, out, fetch, partial(_grab, Path(scratch), params), params.dataset)


def _fetch(scratch: Path, params: Params, video: Video) -> Path:
    folder = scratch / video.id
    return fetch_media(video, folder, params.download, params.discovery, lambda seconds: None).picture


def _grab(scratch: Path, params: Params, path: Path, times: Sequence[float]) -> list[tuple[bytes, int] | None]:
    """Decode in a child process; the pictures come back as files."""
    folder = scratch / "grabbed"
    answer = run_in_child(
        grab_pictures, path, list(times), folder, params.frames, timeout_seconds=params.frames.timeout_seconds,
        memory_megabytes=params.ingest.decode_memory_megabytes, what=path.name)
    return [((folder / name).read_bytes(), int(phash)) if name else None for name, phash in answer["pictures"]]

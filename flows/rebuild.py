"""The pictures of a recipe again: fetch each video, grab its frames at the recipe's times, check each by its hash."""

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tasks.dataset.rebuild import RebuildSummary, read_recipe, rebuild
from tasks.download.fetch import fetch_media
from tasks.frames.grab import grab_pictures
from tasks.params import FramesParams, Params
from tasks.schema import Video
from tasks.storage.child import run_in_child


def rebuild_recipe(recipe: Path, out: Path, params: Params) -> RebuildSummary:
    """Make the dataset of `recipe` again in the folder `out`, from wherever its videos came from.

    Pictures are hashed and stored with the frames settings of the recipe; caps and time limits are those of `params`.
    """
    _, told = read_recipe(recipe)
    made_by = max(told["made_by"]["frames"], key=lambda made: made["videos"])  # videos sampled otherwise may not match
    frames = params.frames.model_copy(update=made_by["params"])
    with tempfile.TemporaryDirectory(prefix="framewords-") as scratch:
        fetch = partial(_fetch, Path(scratch), params)
        grab = partial(_grab, Path(scratch), frames, params.ingest.decode_memory_megabytes)
        return rebuild(recipe, out, fetch, grab, params.dataset)


def _fetch(scratch: Path, params: Params, video: Video) -> Path:
    media = scratch / "media"
    shutil.rmtree(media, ignore_errors=True)  # the video before this one is done with
    return fetch_media(video, media / video.id, params.download, params.discovery, lambda share: None).picture


def _grab(
    scratch: Path, params: FramesParams, memory_megabytes: int, path: Path, times: Sequence[float],
) -> list[tuple[bytes, int] | None]:
    """Decode in a child process; the pictures come back as files."""
    folder = scratch / "grabbed"
    answer = run_in_child(
        grab_pictures, path, list(times), folder, params, timeout_seconds=params.timeout_seconds,
        memory_megabytes=memory_megabytes, what=path.name)
    return [((folder / name).read_bytes(), int(phash)) if name else None for name, phash in answer["pictures"]]

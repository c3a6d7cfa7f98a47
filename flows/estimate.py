"""What a run would do and cost, before it starts; and whether a lone file can be used at all. Nothing is written."""

from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.console import LINE_CHARACTERS
from flows.plan import Plan
from tasks.download.fetch import check_whole
from tasks.download.media import is_whole
from tasks.download.probe import probe_media
from tasks.errors import ParamsError, UnusableVideoError
from tasks.frames.container import inspect_picture
from tasks.network.session import IncompleteError
from tasks.network.text import shown
from tasks.schema import Video
from tasks.storage.child import run_in_child
from tasks.transcription.models import find_model, list_models, models_folder

# CPU seconds an hour of 360p video on one core of a small server: frames as measured (docs/frames.md), recognition with
# Vosk's small models. For planning: a large model costs up to ten times as much.
FRAMES_CPU_SECONDS = {"keyframes": 3, "auto": 8, "interval": 15, "scenes": 40}
WORDS_CPU_SECONDS = {"captions": 0, "vosk": 360, "pocketsphinx": 1000}
# A low-rate picture stream with a speech-grade sound stream.
BYTES_PER_SECOND = 60_000


def inspect(video: Video, plan: Plan) -> dict[str, Any]:
    """Facts about a local file (seconds, picture, sound), read in a child process; empty for an address.

    Raises UnusableVideoError when it cannot be used.
    """
    if video.url.startswith(("http://", "https://")):
        return {}
    path = Path(video.url)
    memory = plan.params.ingest.decode_memory_megabytes
    run = partial(run_in_child, timeout_seconds=plan.params.frames.timeout_seconds, memory_megabytes=memory, what=path.name)
    run(inspect_picture, path, plan.params.frames)
    facts = run(probe_media, str(path))
    try:
        check_whole(facts, None, plan.params.download, path.name)
    except IncompleteError as error:
        raise UnusableVideoError(error.problem, "copy it again or drop it", "incomplete") from error
    if not facts["sound"] and not _has_captions(path):
        raise UnusableVideoError(f"{path.name}: no sound track and no captions", "put captions beside it", "no_audio")
    return facts


def _has_captions(path: Path) -> bool:
    return any(other.suffix in (".vtt", ".srt", ".json3") and other.name.startswith(f"{path.stem}.")
               for other in path.parent.iterdir())


def print_estimate(plan: Plan, console: Console) -> None:
    """One row a video: what would be done with it; then what it would cost."""
    table = Table(box=None, pad_edge=False)
    for name in ("video", "title", "minutes", "would"):
        table.add_column(name)
    seconds, unknown, work = 0.0, 0, 0
    for video in plan.videos:
        here = is_whole(plan.data.media(video.id))
        try:
            known = float(inspect(video, plan).get("seconds", 0.0))
            work_left = "fetch, see, hear, label" if _is_remote(video) else "see, hear, label"
            would = "check what is there, and finish it" if here else work_left
            work += 1
        except UnusableVideoError as error:
            known, would = 0.0, f"set it aside: {error.code}"
        seconds += known
        unknown += _is_remote(video)
        table.add_row(video.id, shown(video.title, 40), f"{known / 60:.1f}" if known else "?", would)
    console.print(table)
    for argument, code, problem in plan.set_aside:
        console.print(shown(f"not listed: {argument}: {code}: {problem}", LINE_CHARACTERS), markup=False, soft_wrap=True)
    engine = "vosk" if plan.params.transcription.engine == "auto" else plan.params.transcription.engine
    rate = FRAMES_CPU_SECONDS[plan.params.frames.mode] + WORDS_CPU_SECONDS[engine]
    console.print(_recogniser(plan))
    console.print(f"{len(plan.videos)} videos, {work} to work on: {seconds / 3600:.2f} hours known, about "
                  f"{seconds / 3600 * rate:.0f} CPU seconds with a small recogniser model (none where captions serve).")
    if unknown:
        console.print(f"{unknown} videos would be fetched, about {BYTES_PER_SECOND * 3600 / 1e6:.0f} MB an hour of video.")
    console.print("Nothing was written.")


def _recogniser(plan: Plan) -> str:
    """Who would hear the words."""
    params = plan.params.transcription
    if params.engine in ("captions", "pocketsphinx"):
        return f"Words from: {params.engine}."
    first = "captions where a video has them, else " if params.engine == "auto" else ""
    try:
        return f"Words from: {first}vosk with {find_model(params.model, models_folder())}."
    except ParamsError:
        known = {model.name: model.megabytes for model, _ in list_models(models_folder())}
        size = f" ({known[params.model]} MB)" if params.model in known else ""
        fetched = "it would be fetched once" + size if params.fetch_models else "`framewords models fetch` brings it" + size
        return f"Words from: {first}vosk; its model {params.model} is not here: {fetched}."


def _is_remote(video: Video) -> bool:
    return video.url.startswith(("http://", "https://"))

"""Which engine hears this video, and why. Never a silent change: the reason is a sentence that stays with the words."""

import importlib.util
import logging
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tasks.errors import ParamsError, UnusableVideoError, WorkflowError
from tasks.params import TranscriptionParams
from tasks.schema import Caption, Media
from tasks.storage.artefact import digest_file, digest_json
from tasks.transcription.captions import read_captions
from tasks.transcription.models import model_digest, require_model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineChoice:
    """engine: captions | vosk | pocketsphinx. model: what the rows say. reason: a sentence for people.

    digest: 32 hex that change when the model or the caption file changes.
    """

    engine: str
    model: str
    reason: str
    digest: str
    path: Path | None = None
    caption: Caption | None = None


def choose_engine(media: Media, params: TranscriptionParams, models: Path) -> EngineChoice:
    """The engine for one video. `auto`: captions when usable, else Vosk with its model, else PocketSphinx.

    models: the cache folder of recogniser models; a missing one is fetched there when `fetch_models` allows it.
    Raises UnusableVideoError (`no_audio`, `no_captions`) for this video, ParamsError or TransientError when no engine can be had.
    """
    choice = _choose(media, params, models)
    log.info("%s: %s", media.video_id, choice.reason)
    return choice


def _choose(media: Media, params: TranscriptionParams, models: Path) -> EngineChoice:
    why_not = ""
    if params.engine in ("auto", "captions"):
        choice, why_not = _try_captions(media, params)
        if choice is not None:
            return choice
        if params.engine == "captions":
            raise UnusableVideoError(
                f"{media.video_id}: {why_not}", "set transcription.engine to auto, vosk or pocketsphinx", "no_captions")
    if media.sound is None:
        raise UnusableVideoError(f"{media.video_id}: no sound track", "nothing can be heard in it: drop it", "no_audio")
    if params.engine == "pocketsphinx":
        return _pocketsphinx("pocketsphinx: as transcription.engine asks")
    try:
        folder = require_model(params.model, models, params.fetch_models)
    except WorkflowError as error:
        if params.engine == "vosk" or importlib.util.find_spec("pocketsphinx") is None:
            raise
        return _pocketsphinx(f"pocketsphinx: {why_not}, and {error.problem}")
    reason = f"vosk with {folder.name}: {why_not or 'as transcription.engine asks'}"
    digest = digest_json({"vosk": version("vosk"), "model": model_digest(folder)})
    return EngineChoice("vosk", folder.name, reason, digest, path=folder)


def _pocketsphinx(reason: str) -> EngineChoice:
    if importlib.util.find_spec("pocketsphinx") is None:
        raise ParamsError("pocketsphinx is not installed",
                          "pip install 'framewords[pocketsphinx]', or set transcription.engine to captions or vosk")
    return EngineChoice("pocketsphinx", "en-us", reason, digest_json({"pocketsphinx": version("pocketsphinx")}))


def _try_captions(media: Media, params: TranscriptionParams) -> tuple[EngineChoice | None, str]:
    """The best caption file that can be read, or why there is none: word-timed before others, then those a person wrote."""
    candidates = [caption for caption in media.captions if _speaks(caption.language, params.language)]
    if not candidates:
        return None, f"no captions in {params.language!r}"
    readable, problems = [], []
    for caption in candidates:
        try:
            utterances, _ = read_captions(caption.path, caption.format)
        except UnusableVideoError as error:
            problems.append(error.problem)
            continue
        words = [word for utterance in utterances for word in utterance]
        timed = sum(word.timing_source == "word" for word in words) > len(words) / 2
        if words:
            readable.append((not timed, caption.kind != "manual", caption.path.name, caption, timed))
        else:
            problems.append(f"{caption.path.name}: no words in it")
    if not readable:
        return None, "; ".join(problems)
    *_, caption, timed = min(readable, key=lambda item: item[:3])
    model = f"{caption.language}-{caption.kind}"
    reason = f"captions: {caption.kind} {caption.language} captions with {'word' if timed else 'line'} times"
    return EngineChoice("captions", model, reason, digest_file(caption.path), caption=caption), ""


def _speaks(caption_language: str, wanted: str) -> bool:
    """en-US, en-orig and en are all English."""
    return caption_language.lower().split("-")[0].split("_")[0] == wanted.lower()

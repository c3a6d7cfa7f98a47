"""Media of one video into its folder, whole or not at all: from a site through yt-dlp, or from the user's own file."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tasks.download.info import info_bytes, sanitised_info
from tasks.download.local import (
    MAX_CAPTION_BYTES,
    MAX_THUMBNAIL_BYTES,
    gather_local,
    is_caption,
    neighbours,
    suffix_of,
)
from tasks.download.media import Gathered, is_whole, read_media, write_record
from tasks.download.probe import probe_media
from tasks.download.streams import PLAIN, CaptionChoice, choose_captions, choose_streams
from tasks.errors import InputError, TransientError, UnusableVideoError, WorkflowError
from tasks.network.backoff import with_retries
from tasks.network.session import IncompleteError, NetworkSettings, SiteSession, open_session
from tasks.network.text import shown
from tasks.params import DiscoveryParams, DownloadParams
from tasks.schema import Media, Video
from tasks.storage.artefact import Fingerprint, digest_file
from tasks.storage.atomic import staged_folder
from tasks.storage.child import run_in_child

__all__ = ["VERSION", "fetch_media", "media_fingerprint", "read_media"]

VERSION = 1  # raise it when the same video would give other files
PROBE_SECONDS, PROBE_MEGABYTES = 600.0, 1_000  # for reading the packets of one file
MIN_SHARE = 0.99  # of the declared duration, or within download.duration_tolerance_seconds of it
LIVE = ("is_live", "is_upcoming", "post_live")
PICTURE_MAGIC = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n": "png", b"RIFF": "webp"}

Progress = Callable[[float], None]
# Asked with all that is known of a video before it is fetched: (code, problem) when it is not wanted.
Refuse = Callable[[Mapping[str, Any]], tuple[str, str] | None]
logger = logging.getLogger(__name__)


def media_fingerprint(video: Video, params: DownloadParams) -> Fingerprint:
    """What decides which media a video has: where it comes from, what is wanted of it, and the files beside a local one."""
    inputs = {"video": video.id, "url": video.url}
    if video.url.startswith("s3://"):  # known by its bytes, wherever they lie
        inputs = {"video": video.id}
    elif _is_local(video):
        inputs = {"video": video.id, **{path.name: digest_file(path) for path in neighbours(Path(video.url))}}
    return Fingerprint("download", VERSION, {
        "max_height_px": params.max_height_px, "caption_languages": list(params.caption_languages)}, inputs)


def fetch_media(
    video: Video, folder: Path, params: DownloadParams, discovery: DiscoveryParams, progress: Progress, *,
    refuse: Refuse = lambda info: None, sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> Media:
    """The media of a video in `folder`, fetched unless they are already there as `params` want them.

    Each attempt starts from nothing; a failed or killed one leaves nothing but its staging folder.
    progress: called with the share done, 0-1.
    Raises TransientError after the last attempt; UnavailableVideoError; UnusableVideoError with a code such as `live`,
    `too_long`, `too_large`, `incomplete`, `no_picture`, `refused`.
    """
    fingerprint = media_fingerprint(video, params)
    if is_whole(folder, fingerprint):
        return read_media(folder)

    def attempt() -> None:
        with staged_folder(folder) as staging:
            if _is_local(video):
                gathered = _from_disk(video, staging, params, refuse)
            else:
                gathered = _from_site(video, staging, params, discovery, progress, refuse)
            write_record(staging, video.id, gathered, fingerprint)

    sleep(params.sleep_seconds if not _is_local(video) else 0.0)
    try:
        with_retries(attempt, attempts=params.attempts, backoff_seconds=params.backoff_seconds, sleep=sleep, jitter=jitter)
    except IncompleteError as error:
        raise UnusableVideoError(error.problem, "fetch it again later or drop it", "incomplete") from error
    except OSError as error:  # the site's are TransientError by now: this is our own disk
        raise TransientError(
            f"{folder}: cannot be written ({error.strerror})", "make room or correct its permissions, then run again") from error
    except InputError as error:  # an address that may not be asked, found on the way
        raise UnusableVideoError(error.problem, error.remedy, "refused") from error
    progress(1.0)
    return read_media(folder)


def _from_disk(video: Video, staging: Path, params: DownloadParams, refuse: Refuse) -> Gathered:
    gathered, info = gather_local(video, staging, params.caption_languages)
    try:
        facts = _probe(staging / gathered.picture)
        check_whole(facts, None, params, shown(video.url))
    except IncompleteError as error:  # the same file will be the same next time
        raise UnusableVideoError(error.problem, "copy it again or drop it", "incomplete") from error
    _settle(gathered, facts, facts, params)
    for language in params.caption_languages:
        for kind in ("manual", "auto"):
            gathered.states.setdefault(f"captions.{language}.{kind}", "absent")
    gathered.states.setdefault("thumbnail", "absent")
    described = {"duration": round(gathered.duration, 3), **{k: v for k, v in info.items() if v is not None}}
    _ask(refuse, described, video)
    (staging / "info.json").write_bytes(info_bytes(sanitised_info(described, video)))
    return gathered


def _ask(refuse: Refuse, info: Mapping[str, Any], video: Video) -> None:
    refusal = refuse(info)
    if refusal is not None:
        raise UnusableVideoError(f"{shown(video.url)}: {refusal[1]}", "change the filters of its source to have it", refusal[0])


def _from_site(
    video: Video, staging: Path, params: DownloadParams, discovery: DiscoveryParams, progress: Progress, refuse: Refuse,
) -> Gathered:
    settings = NetworkSettings(
        discovery.allow_private_addresses, discovery.allowed_hosts, params.timeout_seconds, params.backoff_seconds,
        params.max_bytes, params.rate_limit_bytes_per_second, params.cookies_file, params.proxy)
    with open_session(settings) as session:
        info = session.complete(_single(session, session.resolve(video.url), video))
        _check_wanted(info, params, video)
        _ask(refuse, info, video)
        streams = choose_streams(info.get("formats") or [info], params.max_height_px)  # without a list, the page is its one file
        wanted = {"picture": streams.picture, **({"sound": streams.sound} if streams.sound else {})}
        saved, facts = {}, {}
        for number, (role, stream) in enumerate(wanted.items()):
            path = staging / role
            session.save(info, dict(stream), path, lambda share, done=number: progress((done + share) / len(wanted)))  # type: ignore[misc]
            saved[role] = path.rename(path.with_suffix(f".{suffix_of(path)}")).name
            facts[role] = _probe_fetched(staging / saved[role])
            check_whole(facts[role], info.get("duration"), params, shown(video.url), stream.get("protocol") not in PLAIN)
        gathered = Gathered(picture=saved["picture"], sound=saved.get("sound", saved["picture"]), duration=0.0)
        _settle(gathered, facts["picture"], facts.get("sound", facts["picture"]), params)
        for choice in choose_captions(info, params.caption_languages):
            state = f"captions.{choice.language}.{choice.kind}"
            gathered.states[state] = _optional(partial(_save_caption, session, info, choice, staging, gathered))
        gathered.states["thumbnail"] = _optional(partial(_save_thumbnail, session, info, staging, gathered))
    for language in params.caption_languages:
        for kind in ("manual", "auto"):
            gathered.states.setdefault(f"captions.{language}.{kind}", "absent")
    (staging / "info.json").write_bytes(info_bytes(sanitised_info(info, video)))
    return gathered


def _single(session: SiteSession, result: dict[str, Any], video: Video) -> dict[str, Any]:
    """The one video behind an address; a page may wrap it in a list of one."""
    if result.get("_type", "video") == "video":
        return result
    entries = [entry for _, entry in zip(range(2), session.entries(result), strict=False)]
    if len(entries) != 1:
        raise UnusableVideoError(f"{shown(video.url)} is a list now", "ingest it as a list", "unsupported")
    entry = entries[0]
    if entry.get("_type", "video") == "video":
        return {**{key: result.get(key) for key in ("extractor", "extractor_key", "webpage_url")}, **entry}
    return session.resolve(str(entry.get("url")), entry.get("ie_key"))


def _check_wanted(info: Mapping[str, Any], params: DownloadParams, video: Video) -> None:
    """Refuse what is not to be fetched, before fetching it."""
    if info.get("is_live") or info.get("live_status") in LIVE:
        raise UnusableVideoError(f"live not supported: {shown(video.url)}", "list it again when it has ended", "live")
    if (info.get("duration") or 0) > params.max_duration_seconds:
        raise _too_long(float(info["duration"]), params)


def _probe(path: Path) -> dict[str, Any]:
    return run_in_child(
        probe_media, str(path), timeout_seconds=PROBE_SECONDS, memory_megabytes=PROBE_MEGABYTES, what="reading packets")


def _probe_fetched(path: Path) -> dict[str, Any]:
    """As _probe; a fetched file that cannot be opened may have lost its end, where some formats keep their index."""
    try:
        return _probe(path)
    except UnusableVideoError as error:
        if error.code == "undecodable":
            raise IncompleteError(f"incomplete download: {error.problem}", "run again later") from error
        raise


def check_whole(
    facts: Mapping[str, Any], by_site: float | None, params: DownloadParams, name: str, fragmented: bool = False,
) -> None:
    """Raises IncompleteError when the packets end before the duration that the header or the site declares, or have a hole."""
    seconds = float(facts["seconds"])
    for who, declared in (("its header", facts["declared"]), ("the site", by_site)):
        if declared and seconds < min(MIN_SHARE * declared, declared - params.duration_tolerance_seconds):
            raise IncompleteError(
                f"incomplete: {name}: {seconds:.1f} s of the {declared:.1f} s that {who} declares", "run again later")
    # A fragment cut short leaves no trace but silence in every stream at once.
    if fragmented and facts["gap"] > params.duration_tolerance_seconds:
        raise IncompleteError(f"incomplete: {name}: nothing for {facts['gap']:.1f} s in the middle", "run again later")


def _settle(gathered: Gathered, picture: Mapping[str, Any], sound: Mapping[str, Any], params: DownloadParams) -> None:
    """Set what only the files themselves can tell: the duration, and whether there is picture and sound."""
    gathered.duration = max(float(picture["seconds"]), float(sound["seconds"]))
    if not picture["picture"]:
        raise UnusableVideoError("no picture stream", "give a video, not a sound recording", "no_picture")
    if gathered.duration > params.max_duration_seconds:
        raise _too_long(gathered.duration, params)
    if not sound["sound"]:
        gathered.sound = None


def _too_long(seconds: float, params: DownloadParams) -> UnusableVideoError:
    return UnusableVideoError(
        f"{seconds:.0f} s are more than {params.max_duration_seconds:.0f}", "raise download.max_duration_seconds", "too_long")


def _optional(work: Callable[[], str]) -> str:
    """The state of something a video can do without."""
    try:
        return work()
    except WorkflowError as error:
        logger.info("%s", error)
        return f"failed: {error.problem}"


def _save_caption(
    session: SiteSession, info: dict[str, Any], choice: CaptionChoice, staging: Path, gathered: Gathered,
) -> str:
    stream = choice.stream
    name = f"captions.{choice.language}.{choice.kind}.{choice.format}"
    if stream.get("data") is not None:
        content = str(stream["data"]).encode()
    elif str(stream.get("protocol", "https")) in PLAIN:
        content = session.read(str(stream["url"]), MAX_CAPTION_BYTES)
    else:  # captions in fragments
        path = staging / "caption"
        session.save(info, {**stream, "vcodec": "none", "acodec": "none"}, path, lambda _: None)
        content = path.read_bytes()
        path.unlink()
    if not is_caption(content, choice.format):
        return f"failed: not {choice.format}"
    (staging / name).write_bytes(content)
    gathered.captions.append((name, choice.language, choice.kind, choice.format))
    return "ok"


def _save_thumbnail(session: SiteSession, info: Mapping[str, Any], staging: Path, gathered: Gathered) -> str:
    address = info.get("thumbnail")
    if not address:
        return "absent"
    content = session.read(str(address), MAX_THUMBNAIL_BYTES)
    suffix = next((suffix for magic, suffix in PICTURE_MAGIC.items() if content.startswith(magic)), None)
    if suffix is None:
        return "failed: not a picture"
    gathered.thumbnail = f"thumbnail.{suffix}"
    (staging / gathered.thumbnail).write_bytes(content)
    return "ok"


def _is_local(video: Video) -> bool:
    return video.id.startswith("file_")

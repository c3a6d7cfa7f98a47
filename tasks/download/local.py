"""A video file of the user's own: hard-linked beside its captions, info and picture; the original is never touched."""

import os
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.download.media import Gathered
from tasks.download.streams import CAPTION_FORMATS, LANGUAGE
from tasks.errors import UnusableVideoError
from tasks.network.text import shown
from tasks.schema import Video
from tasks.storage.artefact import digest_file
from tasks.storage.info import read_info
from tasks.storage.sniff import media_format

MAX_CAPTION_BYTES = 20 << 20
MAX_THUMBNAIL_BYTES = 20 << 20
THUMBNAILS = (".jpg", ".jpeg", ".png", ".webp")
SUFFIXES = {"mp4": "mp4", "matroska": "mkv", "mpegts": "ts", "mpeg": "mpg"}  # of containers whose name is no suffix


def neighbours(source: Path) -> list[Path]:
    """The regular files beside a video that share its stem, by name: captions, info.json, thumbnail."""
    wanted = (".vtt", ".srt", ".json3", ".info.json", *THUMBNAILS)
    found = [path for path in source.parent.glob(f"{_literal(source.stem)}.*")
             if path.name.lower().endswith(wanted) and stat.S_ISREG(path.lstat().st_mode)]
    return sorted(found)


def gather_local(video: Video, staging: Path, languages: tuple[str, ...]) -> tuple[Gathered, Mapping[str, Any]]:
    """Put a local video and its neighbours into the staging folder; returns what is there and what its info.json said.

    The picture is a hard link, or an absolute path where links cannot be made (another disk).
    Raises UnusableVideoError: `missing`, `not_a_regular_file`, `unreadable`, `changed`, and as `media_format`.
    """
    source = Path(video.url)
    try:
        mode = source.lstat().st_mode
    except OSError as error:
        raise UnusableVideoError(f"no such file: {shown(source)}", "put it back or drop it", "missing") from error
    if not stat.S_ISREG(mode):
        raise UnusableVideoError(f"not a regular file: {shown(source)}", "give the file itself", "not_a_regular_file")
    try:
        name = f"picture.{suffix_of(source)}"
        digest = digest_file(source)
    except OSError as error:
        raise UnusableVideoError(f"cannot be read: {shown(source)}", "check its permissions", "unreadable") from error
    if not video.id.endswith(digest[:16]):
        raise UnusableVideoError(f"changed since it was listed: {shown(source)}", "list it again", "changed")
    try:
        os.link(source, staging / name)
    except OSError:
        name = str(source)
    gathered = Gathered(picture=name, sound=name, duration=0.0)
    info: Mapping[str, Any] = {}
    for path in neighbours(source):
        if path.name.lower().endswith(".info.json"):
            info = _info(path, gathered)
        elif path.suffix.lower() in THUMBNAILS:
            _thumbnail(path, staging, gathered)
        else:
            _caption(path, source.stem, staging, languages, gathered)
    return gathered, info


def suffix_of(path: Path) -> str:
    """The suffix a media file is stored under, by its content. Raises as `media_format`."""
    name = media_format(path)
    return SUFFIXES.get(name, name)


def is_caption(content: bytes, form: str) -> bool:
    """True when the bytes look like captions of this format."""
    text = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if form == "json3":
        return text.startswith(b"{") and b'"events"' in content
    return text.startswith(b"WEBVTT") if form == "vtt" else b"-->" in text


def _literal(stem: str) -> str:
    """The stem as a pattern that matches only itself."""
    return re.sub(r"([*?\[])", r"[\1]", stem)


def _info(path: Path, gathered: Gathered) -> Mapping[str, Any]:
    info = read_info(path)
    gathered.states["info"] = "ok" if info is not None else f"failed: {shown(path.name)} is not info"
    return info or {}


def _thumbnail(path: Path, staging: Path, gathered: Gathered) -> None:
    if gathered.thumbnail is None and path.stat().st_size <= MAX_THUMBNAIL_BYTES:
        gathered.thumbnail = f"thumbnail{path.suffix.lower()}"
        shutil.copyfile(path, staging / gathered.thumbnail)
        gathered.states["thumbnail"] = "ok"


def _caption(path: Path, stem: str, staging: Path, languages: tuple[str, ...], gathered: Gathered) -> None:
    """Take one caption file along, unless its language is not asked for or a better one of its kind is there."""
    form = path.suffix.lower().removeprefix(".")
    marks = path.name[len(stem) + 1:].lower().split(".")[:-1]
    spoken = next((mark for mark in marks if LANGUAGE.fullmatch(mark)), languages[0] if languages else "")
    language = next((wanted for wanted in languages if spoken == wanted or spoken.startswith(f"{wanted}-")), None)
    if language is None or path.stat().st_size > MAX_CAPTION_BYTES:
        return
    content = path.read_bytes()
    timed_words = form == "json3" or (form == "vtt" and b"<c>" in content)
    kind = "auto" if timed_words or any("auto" in mark or mark.endswith("orig") for mark in marks) else "manual"
    state = f"captions.{language}.{kind}"
    if not is_caption(content, form):
        gathered.states[state] = f"failed: {shown(path.name)} is not {form}"
        return
    order = CAPTION_FORMATS[kind]
    same = [entry for entry in gathered.captions if entry[1:3] == (language, kind)]
    if any(order.index(entry[3]) <= order.index(form) for entry in same):
        return
    for entry in same:
        gathered.captions.remove(entry)
        (staging / entry[0]).unlink()
    name = f"captions.{language}.{kind}.{form}"
    (staging / name).write_bytes(content)
    gathered.captions.append((name, language, kind, form))
    gathered.states[state] = "ok"

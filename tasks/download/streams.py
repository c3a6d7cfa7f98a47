"""Which of a site's streams to take: the smallest picture and the smallest sound that still serve."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import UnusableVideoError

Stream = Mapping[str, Any]

PLAIN = ("http", "https")
PROTOCOLS = (*PLAIN, "m3u8", "m3u8_native", "http_dash_segments")
# Extensions that a media stream may claim; the name we store it under follows from its content.
EXTENSIONS = (
    "3gp", "aac", "asf", "avi", "flac", "flv", "gif", "m4a", "m4s", "m4v", "mka", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg",
    "ogg", "ogv", "opus", "ts", "unknown_video", "wav", "webm", "wmv")
# Below this, codecs of today smear consonants: the site's "ultralow" streams, about 31 kbit/s, lose words.
MIN_SPEECH_KBITS = 40
# The format with word times first for the site's own recogniser; the plainest first where a person wrote it.
CAPTION_FORMATS = {"auto": ("json3", "vtt", "srt"), "manual": ("vtt", "srt", "json3")}
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class Streams:
    """picture: holds the sound too when `sound` is None, if there is any."""

    picture: Stream
    sound: Stream | None


@dataclass(frozen=True)
class CaptionChoice:
    """One caption file on offer. kind: manual or auto."""

    language: str
    kind: str
    format: str
    stream: Stream


def choose_streams(formats: Iterable[Stream], max_height_px: int) -> Streams:
    """The streams to download: separate picture and sound where the site has both, one file otherwise.

    formats: as yt-dlp lists them.
    max_height_px: the picture is the smallest in bytes among those of the greatest height up to this, or of the least
    height beyond when there is none.
    Raises UnusableVideoError `extension_refused` or `no_picture`.
    """
    offered = [stream for stream in formats if stream.get("protocol") in PROTOCOLS and not _is_drm(stream)]
    usable = [stream for stream in offered if str(stream.get("ext") or "unknown_video").lower() in EXTENSIONS]
    if offered and not usable:
        raise UnusableVideoError(f"extension refused: .{str(offered[0].get('ext'))[:20]}", "drop it", "extension_refused")
    pictures = [stream for stream in usable if stream.get("vcodec") != "none"]
    silent = [stream for stream in pictures if stream.get("acodec") == "none"]
    sounds = [stream for stream in usable if stream.get("vcodec") == "none" and stream.get("acodec") != "none"]
    if not pictures:
        raise UnusableVideoError("no picture stream", "give a video, not a sound recording", "no_picture")
    if silent and sounds:
        return Streams(_picture(silent, max_height_px), _sound(sounds))
    return Streams(_picture([s for s in pictures if s not in silent] or silent, max_height_px), None)


def choose_captions(info: Mapping[str, Any], languages: Sequence[str]) -> list[CaptionChoice]:
    """For each language what a person wrote and what the site's recogniser heard, one file each, where there is any.

    Machine translations are left out: nobody spoke those words.
    """
    chosen = []
    for language in languages:
        for kind, key in (("manual", "subtitles"), ("auto", "automatic_captions")):
            offers = info.get(key) or {}
            # Of the recogniser's, `-orig` is the one in the language spoken.
            names = [f"{language}-orig", language, *sorted(name for name in offers if name.startswith(f"{language}-"))]
            found = next((choice for name in names if (choice := _caption(language, kind, offers.get(name) or []))), None)
            if found is not None:
                chosen.append(found)
    return chosen


def _caption(language: str, kind: str, files: Sequence[Stream]) -> CaptionChoice | None:
    for wanted in CAPTION_FORMATS[kind]:
        for file in files:
            address = str(file.get("url") or "")
            if file.get("ext") == wanted and "tlang=" not in address and (address or file.get("data")):
                return CaptionChoice(language, kind, wanted, file)
    return None


def _picture(streams: list[Stream], max_height_px: int) -> Stream:
    heights = [int(stream.get("height") or 0) for stream in streams]
    fitting = [height for height in heights if height <= max_height_px]
    height = max(fitting) if fitting else min(heights)
    return min((s for s, h in zip(streams, heights, strict=True) if h == height), key=_cost)


def _sound(streams: list[Stream]) -> Stream:
    best = max(_language(stream) for stream in streams)  # the original before dubbed ones
    original = [stream for stream in streams if _language(stream) == best]
    clear = [stream for stream in original if _kbits(stream) >= MIN_SPEECH_KBITS]
    return min(clear, key=_cost) if clear else max(original, key=_kbits)


def _language(stream: Stream) -> int:
    preference = stream.get("language_preference")
    return -1 if preference is None else int(preference)  # yt-dlp's own meaning of not saying


def _kbits(stream: Stream) -> float:
    return float(stream.get("abr") or stream.get("tbr") or 0)


def _cost(stream: Stream) -> tuple[bool, bool, float, str]:
    """Whole files before fragments, and known sizes before unknown ones; then the fewest bytes."""
    size = stream.get("filesize") or stream.get("filesize_approx") or 0
    rate = float(stream.get("tbr") or 0)
    fragmented = stream.get("protocol") not in PLAIN
    return fragmented, not (size or rate), float(size) or rate, str(stream.get("format_id"))


def _is_drm(stream: Stream) -> bool:
    return bool(stream.get("has_drm")) and stream.get("has_drm") != "maybe"

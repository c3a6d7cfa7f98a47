"""What kind of media file is this, by its first bytes? Names lie, and a guessing demuxer would open playlists for us."""

import struct
from pathlib import Path
from typing import Any

from tasks.errors import UnusableVideoError

HEAD_BYTES = 4096
ASF_GUID = bytes.fromhex("3026b2758e66cf11")
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
PLAYLISTS = (b"#extm3u", b"ffconcat", b"[playlist]", b"<mpd", b"<smoothstreamingmedia", b"<assetmap", b"<playlist")
LATE_START_SECONDS = 10.0
ZIP_TAIL_BYTES = 65_535 + 22  # an archive's closing record, with the longest comment


def media_format(path: Path) -> str:
    """The FFmpeg name of the container, to be pinned when the file is opened (`av.open(..., format=name)`).

    Raises UnusableVideoError: `empty_file`, `playlist_as_media` or `not_a_video`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not head:
            raise UnusableVideoError(f"{path.name}: empty file", "fetch it again or drop it", "empty_file")
        name = _container(head)
        if name is not None:
            if _holds_archive(path):
                raise UnusableVideoError(f"{path.name}: {name} with a zip archive behind it", "drop it", "not_a_video")
            return name
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(PLAYLISTS) or (text.startswith(b"<?xml") and any(mark in text for mark in PLAYLISTS)):
        raise UnusableVideoError(
            f"{path.name}: playlist given as media", "give the address of the video itself", "playlist_as_media")
    raise UnusableVideoError(
        f"{path.name}: not a video, begins with {head[:8]!r}", "give a video or sound file", "not_a_video")


def _container(head: bytes) -> str | None:
    """Magic bytes of the containers we open; None for anything else."""
    if head[4:8] in MP4_BOXES:
        return "mp4"
    form = head[8:12]
    if head.startswith(b"RIFF") and form in (b"AVI ", b"WAVE"):
        return "avi" if form == b"AVI " else "wav"
    if head.startswith(b"FORM") and form in (b"AIFF", b"AIFC"):
        return "aiff"
    starts = {b"\x1aE\xdf\xa3": "matroska", b"OggS": "ogg", b"FLV\x01": "flv", b"fLaC": "flac", b"ID3": "mp3",
              b"GIF87a": "gif", b"GIF89a": "gif", ASF_GUID: "asf", b"\x00\x00\x01\xba": "mpeg"}
    for magic, name in starts.items():
        if head.startswith(magic):
            return name
    if len(head) > 188 * 2 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    if head[0] == 0xFF and head[1:2] > b"\xdf":  # the sync word of MPEG audio, then its layer
        layer = head[1] & 0x06
        return "mp3" if layer else "aac"
    return None


def _holds_archive(path: Path) -> bool:
    """True when a zip archive ends the file: its closing record points back at a central directory."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = max(0, size - ZIP_TAIL_BYTES)
        file.seek(start)
        tail = file.read()
        found = tail.rfind(b"PK\x05\x06")
        if found < 0 or len(tail) < found + 16:
            return False
        directory = start + found - struct.unpack_from("<I", tail, found + 12)[0]
        if directory < 0:
            return False
        file.seek(directory)
        return file.read(4) == b"PK\x01\x02"


def clock_origin(container: Any) -> float:
    """Seconds to take off a presentation timestamp so that the video begins at about 0. The same for picture and sound.

    Transport and program streams, and recordings of live streams, start their clock anywhere. Everything else counts from
    0, where a first timestamp of a second or two means that the stream really begins late.
    container: an open PyAV container.
    """
    start = (container.start_time or 0) / 1_000_000
    return start if start > LATE_START_SECONDS or container.format.name in ("mpegts", "mpeg") else 0.0

"""media.json: which files belong to a video, by size and digest; the folder is whole when they are all there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.errors import IntegrityError
from tasks.schema import Caption, Media
from tasks.storage.artefact import Fingerprint, digest_file, digest_json

RECORD = "media.json"


@dataclass
class Gathered:
    """What a source has put into a staging folder, by file name there; `picture` may be an absolute path elsewhere.

    captions: (file name, language, kind, format).
    states: `ok`, `absent` or `failed: reason`, by what was wanted.
    """

    picture: str
    sound: str | None
    duration: float
    captions: list[tuple[str, str, str, str]] = field(default_factory=list)
    thumbnail: str | None = None
    states: dict[str, str] = field(default_factory=dict)


def write_record(staging: Path, video_id: str, gathered: Gathered, fingerprint: Fingerprint) -> None:
    """Describe the staging folder in its media.json. The same files and fingerprint give the same bytes."""
    names = sorted({gathered.picture, *(path.name for path in staging.iterdir())} - {RECORD})
    files = {name: {"bytes": (staging / name).stat().st_size, "blake2b": digest_file(staging / name)} for name in names}
    heard = [files[gathered.picture]["blake2b"], files[gathered.sound]["blake2b"] if gathered.sound else None,
             *([files[name]["blake2b"], language, kind] for name, language, kind, _ in gathered.captions)]
    record = {
        "version": 1, "video_id": video_id, "fingerprint": fingerprint.digest, "picture": gathered.picture,
        "sound": gathered.sound, "duration": round(gathered.duration, 6), "thumbnail": gathered.thumbnail,
        "captions": [{"file": name, "language": language, "kind": kind, "format": form}
                     for name, language, kind, form in gathered.captions],
        "states": gathered.states, "files": files, "content": digest_json(heard)}
    (staging / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def read_media(folder: Path) -> Media:
    """The media of a video as they lie in its folder. Raises IntegrityError when they are not whole."""
    record = _record(folder)
    try:
        captions = tuple(
            Caption(folder / entry["file"], entry["language"], entry["kind"], entry["format"])
            for entry in record["captions"])
        return Media(
            video_id=record["video_id"], picture=folder / record["picture"],
            sound=folder / record["sound"] if record["sound"] else None, captions=captions,
            thumbnail=folder / record["thumbnail"] if record["thumbnail"] else None, info=folder / "info.json",
            duration=float(record["duration"]), content=record["content"])
    except (KeyError, TypeError, ValueError) as error:
        raise _torn(folder / RECORD) from error


def is_whole(folder: Path, fingerprint: Fingerprint | None = None) -> bool:
    """True when every file is there in its full size and, if asked, was made by this fingerprint."""
    try:
        record = _record(folder)
    except IntegrityError:
        return False
    return fingerprint is None or record.get("fingerprint") == fingerprint.digest


def damaged_files(folder: Path) -> Sequence[Path]:
    """The files whose bytes are not those that were fetched; reads them all. Raises IntegrityError as read_media."""
    files = _record(folder)["files"]
    return [folder / name for name in sorted(files) if digest_file(folder / name) != files[name]["blake2b"]]


def _record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    try:
        record = json.loads(path.read_bytes())
        for name, facts in record["files"].items():
            if (folder / name).stat().st_size != facts["bytes"]:
                raise _torn(folder / name)
        return dict(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _torn(path) from error


def _torn(path: Path) -> IntegrityError:
    return IntegrityError(f"{path}: missing or not as it was fetched", "delete its folder and run again")

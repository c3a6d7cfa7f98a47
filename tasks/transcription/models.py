"""Recogniser models: by path, by name from a cache folder, or fetched once from their publisher and checked by hash."""

import functools
import hashlib
import http.client
import json
import os
import re
import shutil
import stat
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.errors import IntegrityError, ParamsError, TransientError, WorkflowError
from tasks.storage.artefact import digest_file, digest_json
from tasks.storage.atomic import STAGING_PREFIX, staged_folder, write_whole

PUBLISHER = "https://alphacephei.com/vosk/models/"
LOCK_FILE = "models.lock"
TIMEOUT_SECONDS = 30
CHUNK_BYTES = 1 << 20
MAX_ARCHIVE_BYTES = 4_000_000_000
MAX_UNPACKED_BYTES = 8_000_000_000
MAX_MEMBERS = 1_000
MAX_EXPANSION = 20  # an archive may unpack to this many times its size; Vosk models reach 2
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
SHA256 = re.compile(r"[0-9a-f]{64}")
# What libvosk opens first, in the layouts it knows, and how it begins; it aborts the process on much of what is not this.
LAYOUTS = (
    ("am/final.mdl", "conf/model.conf", "conf/mfcc.conf", "graph/HCLG.fst"),
    ("am/final.mdl", "conf/model.conf", "conf/mfcc.conf", "graph/HCLr.fst", "graph/Gr.fst"),
    ("final.mdl", "mfcc.conf", "HCLG.fst"),
    ("final.mdl", "mfcc.conf", "HCLr.fst", "Gr.fst"),
)
BEGINNINGS = {".mdl": b"\x00B", ".fst": bytes.fromhex("d6fdb27e")}  # Kaldi binary; OpenFst


@dataclass(frozen=True)
class KnownModel:
    """A model by name. sha256: of the zip its publisher offers; empty where we know none: then the first fetch pins it."""

    name: str
    language: str
    megabytes: int
    sha256: str
    note: str


KNOWN_MODELS = (
    KnownModel("vosk-model-small-en-us-0.15", "en", 41,
               "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498", "small, fast; the default"),
    KnownModel("vosk-model-en-us-0.22-lgraph", "en", 131,
               "d9838b4aaa82a75c4a17f5aca300eaca129aaab2a7cbf951bafbb500eb9c4334", "more accurate, some times slower"),
    KnownModel("vosk-model-en-us-0.22", "en", 1913, "", "most accurate; needs about 6 GB of memory"),
    KnownModel("vosk-model-small-de-0.15", "de", 46,
               "b7e53c90b1f0a38456f4cd62b366ecd58803cd97cd42b06438e2c131713d5e43", "small German"),
    KnownModel("vosk-model-small-fr-0.22", "fr", 42,
               "cabf6180e177eb9b3a9a9d43a437bd5e549f3a7d09525e5d69a3fed787be12ad", "small French"),
    KnownModel("vosk-model-small-es-0.42", "es", 40,
               "09b239888f633ef2f0b4e09736e3d9936acfd810bc65d53fad45261762c6511f", "small Spanish"),
    KnownModel("vosk-model-small-cn-0.22", "zh", 44,
               "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba", "small Mandarin"),
)


def models_folder() -> Path:
    """Where models are kept: $FRAMEWORDS_MODELS, else framewords/models below the user's cache folder."""
    if chosen := os.environ.get("FRAMEWORDS_MODELS"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "framewords" / "models"


def list_models(cache: Path) -> list[tuple[KnownModel, Path | None]]:
    """Every model known by name or present in the cache, with its folder when it is here."""
    present = {path.name: path for path in sorted(cache.iterdir()) if _is_model(path)} if cache.is_dir() else {}
    pins = _pins(cache)
    listed = [(replace(model, sha256=model.sha256 or pins.get(model.name, "")), present.pop(model.name, None))
              for model in KNOWN_MODELS]
    return listed + [(KnownModel(name, "", _megabytes(path), pins.get(name, ""), "from the cache folder"), path)
                     for name, path in present.items()]


def find_model(name_or_path: str, cache: Path) -> Path:
    """The folder of a model that is here already: a path, or a name in the cache.

    Raises ParamsError when there is none, naming the three ways to get words, or what is wrong with the folder.
    """
    given = Path(name_or_path).expanduser()
    if given.is_dir() or len(given.parts) > 1:
        check_model(given)
        return given.resolve()
    if MODEL_NAME.fullmatch(name_or_path) and (cache / name_or_path).is_dir():
        check_model(cache / name_or_path)
        return cache / name_or_path
    raise ParamsError(f"model {name_or_path}: not in {cache}", _ways_out(name_or_path))


def require_model(name_or_path: str, cache: Path, may_fetch: bool) -> Path:
    """`find_model`, else `fetch_model` when that is allowed. What failed once is not tried again in this process."""
    try:
        return find_model(name_or_path, cache)
    except ParamsError:
        if not may_fetch or name_or_path not in {model.name for model in KNOWN_MODELS} or (cache / name_or_path).exists():
            raise
    with _fetching:
        outcome = _fetch_once(name_or_path, cache)
    if isinstance(outcome, WorkflowError):
        raise outcome
    return outcome


_fetching = threading.Lock()


@functools.cache
def _fetch_once(name: str, cache: Path) -> Path | WorkflowError:
    try:
        return fetch_model(name, cache)
    except WorkflowError as error:
        return error


def fetch_model(
    name: str, cache: Path, sha256: str | None = None, base_url: str = PUBLISHER,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Fetch a model from its publisher into the cache, check its hash, unpack it; returns its folder.

    sha256: of the zip. Without it the hash we know is asked for, or the one that the first fetch wrote to models.lock.
    progress: called with (bytes so far, bytes in all or 0).
    Raises TransientError without network, IntegrityError for other bytes than expected, ParamsError for a bad name.
    """
    if not MODEL_NAME.fullmatch(name):
        raise ParamsError(f"model {name[:60]!r}: not a model name", "see `framewords models list`")
    if not name.startswith("vosk-model"):
        raise ParamsError(f"model {name!r}: the publisher's models begin with vosk-model", "see `framewords models list`")
    if sha256 is not None and not SHA256.fullmatch(sha256.lower()):
        raise ParamsError(f"sha256 {sha256[:80]!r}: not 64 hex digits", "give the SHA-256 of the zip")
    known = {model.name: model.sha256 for model in KNOWN_MODELS}
    expected = sha256.lower() if sha256 else known.get(name) or _pins(cache).get(name, "")
    target = cache / name
    if _is_model(target) and (not sha256 or _pins(cache).get(name) == expected):
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=STAGING_PREFIX, dir=cache) as staging:
        archive = Path(staging) / "model.zip"
        found = _download(f"{base_url}{name}.zip", archive, name, progress)
        if expected and found != expected:
            raise IntegrityError(f"model {name}: sha256 is {found}, expected {expected}",
                                 "fetch it again later, or name the hash you trust with --sha256")
        with staged_folder(target) as folder:
            extract_model(archive, folder)
            check_model(folder)
    write_whole(cache / LOCK_FILE, json.dumps({**_pins(cache), name: found}, indent=2, sort_keys=True).encode() + b"\n")
    return target


def extract_model(archive: Path, folder: Path) -> None:
    """Unpack a zip into an empty folder, without the one folder everything lies in.

    Raises IntegrityError, nothing written outside `folder`, for members that point elsewhere and archives that grow too much.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir()]
            top = _common_folder([member.filename for member in members])
            room = min(MAX_EXPANSION * archive.stat().st_size, MAX_UNPACKED_BYTES)
            if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > room:
                raise _refused(archive, f"{len(members)} files, {sum(member.file_size for member in members)} bytes unpacked")
            for member in members:
                target = folder / _safe_name(archive, member).removeprefix(top)
                target.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(member) as packed, target.open("xb") as unpacked:  # reads no more than file_size
                    shutil.copyfileobj(packed, unpacked, CHUNK_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, FileExistsError, NotADirectoryError) as error:
        raise _refused(archive, str(error) or type(error).__name__) from error


def check_model(folder: Path) -> None:
    """Raises ParamsError when a folder does not hold the files of a Vosk model."""
    if _is_model(folder):
        return
    wanted = " ".join(LAYOUTS[0])
    there = "no such folder" if not folder.is_dir() else "not the files of a Vosk model, or damaged ones"
    pin = next((f"; fetch {model.name} again (zip sha256 {model.sha256})" for model in KNOWN_MODELS
                if model.name == folder.name and model.sha256), "")
    raise ParamsError(f"model {folder}: model invalid, {there}", f"name a folder with {wanted}{pin}")


@functools.cache
def model_digest(folder: Path) -> str:
    """32 hex that change when any file of the model changes."""
    return digest_json({path.relative_to(folder).as_posix(): digest_file(path)
                        for path in sorted(folder.rglob("*")) if path.is_file()})


def _is_model(folder: Path) -> bool:
    return any(all(_begins_right(folder / name) for name in layout) for layout in LAYOUTS)


def _begins_right(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        beginning = BEGINNINGS.get(path.suffix, b"")
        return file.read(len(beginning)) == beginning


def _ways_out(name: str) -> str:
    return (f"set transcription.model to the folder of a model, or run `framewords models fetch {name}` with network, "
            "or set transcription.engine to captions or pocketsphinx")


def _pins(cache: Path) -> dict[str, str]:
    """Hashes that earlier fetches wrote down, by model name."""
    path = cache / LOCK_FILE
    if not path.is_file():
        return {}
    try:
        pins = json.loads(path.read_bytes())
        if isinstance(pins, dict) and all(SHA256.fullmatch(str(pin)) for pin in pins.values()):
            return pins
    except ValueError:
        pass
    raise IntegrityError(f"{path}: not a list of model hashes", "correct it or delete it")


def _download(url: str, target: Path, name: str, progress: Callable[[int, int], None] | None) -> str:
    """Write what an address gives to `target`; returns its SHA-256."""
    digest = hashlib.sha256()
    done = 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as reply, target.open("wb") as file:  # noqa: S310 - http(s) only
            total = int(reply.headers.get("Content-Length") or 0)
            while chunk := reply.read(CHUNK_BYTES):
                done += len(chunk)
                if done > MAX_ARCHIVE_BYTES:
                    raise IntegrityError(f"model {name}: more than {MAX_ARCHIVE_BYTES} bytes", "fetch it by hand")
                digest.update(chunk)
                file.write(chunk)
                if progress is not None:
                    progress(done, total)
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            raise ParamsError(f"model {name}: its publisher has none of this name at {url}", _ways_out(name)) from error
        raise TransientError(f"model {name}: {url} answered {error.code}", _ways_out(name)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise TransientError(f"model {name}: cannot be fetched from {url} ({reason})", _ways_out(name)) from error
    if total and done != total:
        raise TransientError(f"model {name}: {done} of {total} bytes came from {url}", _ways_out(name))
    return digest.hexdigest()


def _common_folder(names: Sequence[str]) -> str:
    """`model/` when every name begins with it, else nothing."""
    first = {name.split("/", 1)[0] for name in names if "/" in name}
    return f"{first.pop()}/" if len(first) == 1 and all("/" in name for name in names) else ""


def _safe_name(archive: Path, member: zipfile.ZipInfo) -> str:
    name = member.filename
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/") or "\0" in name:
        raise _refused(archive, f"a file named {name[:60]!r}")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise _refused(archive, f"a link named {name[:60]!r}")
    if member.flag_bits & 1:
        raise _refused(archive, "encrypted files")
    return name


def _refused(archive: Path, what: str) -> IntegrityError:
    return IntegrityError(f"{archive.name}: archive refused, {what}", "fetch it from its publisher again")


def _megabytes(folder: Path) -> int:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)

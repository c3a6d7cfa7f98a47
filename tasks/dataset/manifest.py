"""The manifest: what is in the dataset, what was left out and why, and the digest of every file."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.errors import InputError, IntegrityError
from tasks.storage.artefact import digest_file, digest_json
from tasks.storage.atomic import write_whole

MANIFEST = "manifest.json"
FORMAT = 2
SHARD = re.compile(r"data/(train|validation|test)-\d{5}-[0-9a-f]{8}\.parquet")
INDEX_FILE = re.compile(r"index-[0-9a-f]{8}\.parquet")
MD5 = re.compile(r"[0-9a-f]{32}")
REMEDY = "restore the dataset from where it was pushed, or build it again with `framewords ingest`"


def shard_entry(path: Path, rows: int, videos: list[str], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """How a manifest names a shard. known: the entry it was published with, where it is kept: so damage is not sealed in."""
    return {**file_entry(path, f"data/{path.name}", known), "rows": rows, "videos": videos}


def file_entry(path: Path, name: str, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Size and digests of a file, and the object that holds its bytes on a store. name: below the dataset's folder."""
    if known:
        return {"path": name, **{key: known[key] for key in ("bytes", "digest", "md5", "object")}}
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return {"path": name, "bytes": path.stat().st_size, "digest": digest_file(path), "md5": md5, "object": object_key(md5)}


def object_key(md5: str) -> str:
    """Where DVC puts a file on a store, below its address."""
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def file_entries(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of all files of a dataset: every shard, and the index where there is one."""
    shards = [shard for split in manifest["splits"].values() for shard in split["shards"]]
    return [*shards, *([manifest["index"]] if manifest["index"] else [])]


def sealed(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as a file, with the digest of all that it says."""
    whole = {**manifest, "format": FORMAT, "digest": digest_json({**manifest, "format": FORMAT})}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def write_manifest(dataset: Path, manifest: dict[str, Any]) -> None:
    """Publish a manifest: from now on the dataset is what it says."""
    write_whole(dataset / MANIFEST, sealed(manifest))


def read_manifest(dataset: Path) -> dict[str, Any]:
    """The manifest of a dataset. Raises InputError when there is none, IntegrityError when it is half or altered."""
    path = dataset / MANIFEST
    try:
        text = path.read_bytes()
    except OSError as error:
        if not (dataset / "data").exists():
            where = "run `framewords ingest`, or name its folder with --data"
            raise InputError(f"{dataset}: no dataset there", where) from error
        raise IntegrityError(f"{path}: manifest cannot be read ({error.strerror})", REMEDY) from error
    return parse_manifest(text, str(path))


def parse_manifest(text: bytes, name: str) -> dict[str, Any]:
    """A manifest, whole and naming nothing outside its folder and store. Raises IntegrityError when it is half or altered."""
    try:
        manifest = json.loads(text)
        digest = manifest.pop("digest")
        whole = digest == digest_json(manifest) and manifest["format"] == FORMAT
        index = manifest["index"]  # a dataset rebuilt from a recipe has none
        shards = [shard["path"] for split in manifest["splits"].values() for shard in split["shards"]]
        safe = all(SHARD.fullmatch(shard) for shard in shards) and (not index or INDEX_FILE.fullmatch(index["path"]))
        safe = safe and all(
            MD5.fullmatch(entry["md5"]) and entry["object"] == object_key(entry["md5"]) for entry in file_entries(manifest))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{name}: manifest is not whole ({type(error).__name__})", REMEDY) from error
    if not whole or not safe:
        raise IntegrityError(f"{name}: manifest was altered or is of another format", REMEDY)
    return dict(manifest)


def shard_paths(dataset: Path, manifest: dict[str, Any], split: str) -> list[Path]:
    """The shards of a split, in order of rows; none where the split is empty."""
    return [dataset / shard["path"] for shard in manifest["splits"].get(split, {"shards": []})["shards"]]

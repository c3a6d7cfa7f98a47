"""The manifest: what is in the dataset, what was left out and why, and the digest of every file."""

import json
import re
from pathlib import Path
from typing import Any

from tasks.errors import InputError, IntegrityError
from tasks.storage.artefact import digest_file, digest_json
from tasks.storage.atomic import write_whole

MANIFEST = "manifest.json"
FORMAT = 1
SHARD = re.compile(r"data/(train|validation|test)-\d{5}-[0-9a-f]{8}\.parquet")
INDEX_FILE = re.compile(r"index-[0-9a-f]{8}\.parquet")
REMEDY = "restore the dataset from where it was pushed, or build it again with `framewords ingest`"


def shard_entry(path: Path, rows: int, videos: list[str], digest: str = "") -> dict[str, Any]:
    """How a manifest names a shard. digest: what it was published with, where it is kept; else taken of its bytes."""
    return {"path": f"data/{path.name}", "rows": rows, "bytes": path.stat().st_size, "digest": digest or digest_file(path),
            "videos": videos}


def write_manifest(dataset: Path, manifest: dict[str, Any]) -> None:
    """Publish a manifest: from now on the dataset is what it says."""
    sealed = {**manifest, "format": FORMAT, "digest": digest_json({**manifest, "format": FORMAT})}
    write_whole(dataset / MANIFEST, json.dumps(sealed, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def read_manifest(dataset: Path) -> dict[str, Any]:
    """The manifest of a dataset. Raises InputError when there is none, IntegrityError when it is half or altered."""
    path = dataset / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        digest = manifest.pop("digest")
        shards = [shard["path"] for split in manifest["splits"].values() for shard in split["shards"]]
        whole = digest == digest_json(manifest) and manifest["format"] == FORMAT
        index = manifest["index"]  # a dataset rebuilt from a recipe has none
        safe = all(SHARD.fullmatch(shard) for shard in shards) and (not index or INDEX_FILE.fullmatch(index["path"]))
    except OSError as error:
        if not (dataset / "data").exists():
            where = "run `framewords ingest`, or name its folder with --data"
            raise InputError(f"{dataset}: no dataset there", where) from error
        raise IntegrityError(f"{path}: manifest cannot be read ({error.strerror})", REMEDY) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{path}: manifest is not whole ({type(error).__name__})", REMEDY) from error
    if not whole or not safe:
        raise IntegrityError(f"{path}: manifest was altered or is of another format", REMEDY)
    return dict(manifest)


def shard_paths(dataset: Path, manifest: dict[str, Any], split: str) -> list[Path]:
    """The shards of a split, in order of rows; none where the split is empty."""
    return [dataset / shard["path"] for shard in manifest["splits"].get(split, {"shards": []})["shards"]]

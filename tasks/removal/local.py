"""What one machine holds of forgotten videos in its data folder, and its removal. Everything here can be done again."""

import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from tasks.dataset.manifest import read_manifest
from tasks.discovery.catalogue import empty_rows
from tasks.errors import InputError, IntegrityError
from tasks.keywords.so_far import uncount
from tasks.storage.artefact import read_record, read_table
from tasks.storage.atomic import sweep_staging
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger
from tasks.storage.tombstones import Tombstone, read_tombstones, write_tombstones

SEEN_BY_NETS = ("pictures", "search")  # below the cache folder: decoded for training, vectors for finding


def bury(data: DataFolder, video_ids: Iterable[str], forgotten: str, *, relabel: bool) -> None:
    """Write the tombstones; from now on the videos are forgotten, whatever happens. forgotten: ISO date.

    relabel: key words that were judged against any forgotten video no longer hold.
    """
    old = read_tombstones(data.forgotten)
    there = {tombstone.video_id for tombstone in old}
    new = [Tombstone(name, forgotten, _words_digest(data, name)) for name in video_ids if name not in there]
    tombstones = [Tombstone(one.video_id, one.forgotten, "" if relabel else one.words) for one in (*old, *new)]
    if tombstones != old:
        write_tombstones(data.forgotten, tombstones)


def _words_digest(data: DataFolder, video_id: str) -> str:
    """What names the words of a video in the key words of later ones; empty when it was never counted."""
    try:
        return str(read_record(data.words(video_id))["fingerprint"]) if data.words(video_id).is_file() else ""
    except IntegrityError:
        return ""  # torn: the key words of later videos are then made again


def remove_forgotten(data: DataFolder) -> dict[str, tuple[int, int]]:
    """Do what the tombstones say: remove every forgotten video from the data folder, but for the dataset's own files.

    Returns how many things went and their bytes, by what they were.
    """
    video_ids = [tombstone.video_id for tombstone in read_tombstones(data.forgotten)]
    removed = {"rows of the list": (empty_rows(data.catalogue, video_ids), 0)}
    uncount(data, video_ids)
    removed |= {name: _measure(paths) for name, paths in own_paths(data, video_ids).items()}
    for paths in own_paths(data, video_ids).values():
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    sweep_staging(data.root)
    if data.ledger.is_file():
        ledger = Ledger(data.ledger)
        try:
            removed["rows of the ledger"] = (sum(ledger.forget(name) for name in video_ids), 0)
        finally:
            ledger.close()
    return removed


# What DVC keeps of it, too.
OWN = ("media", "labels", "labels judged by nets", "nets that learnt to judge")


def own_paths(data: DataFolder, video_ids: Collection[str]) -> dict[str, list[Path]]:
    """The files and folders that are there because of these videos, by what they are.

    The report page shows all videos in one file: it goes, and can be made again at any time. So does what nets keep of the
    pictures they were shown (one file a shard, of all its videos), nets that judge labels, which the next round trains anew,
    and ledgers put aside as damaged.
    """
    return {
        "media": [path for name in video_ids if (path := data.media(name)).exists()],
        "labels": [path for name in video_ids if (path := data.labels(name)).exists()],
        "labels judged by nets": [
            path for name in video_ids if (path := data.evidence_root / f"{name}.parquet").exists()],
        "nets that learnt to judge": [folder for folder in [data.evidence_root / "nets"] if folder.exists()],
        "intermediates": [
            path for folder in (data.work, data.cache) if folder.is_dir() for path in sorted(folder.rglob("*"))
            if any(_belongs(path, name) for name in video_ids)],
        "pictures as nets see them": [folder for name in SEEN_BY_NETS if (folder := data.cache / name).exists()],
        "report page": [data.report] if data.report.exists() else [],
        "damaged ledgers": sorted(data.root.glob(f"{data.ledger.name}.damaged*"))}


def _belongs(path: Path, video_id: str) -> bool:
    return path.name.split(".")[0] == video_id or path.stem == video_id


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file of the paths, those in folders too."""
    for path in paths:
        yield from sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _measure(paths: Sequence[Path]) -> tuple[int, int]:
    sizes = [path.lstat().st_size for path in files_below(paths)]
    return len(sizes), sum(sizes)


def in_dataset(data: DataFolder, video_ids: Collection[str]) -> dict[str, Any]:
    """What the dataset holds of the videos: rows, the shards that hold them and their bytes, and who shows the same pictures.

    `repeats`: by id of a video that stays, how many of its pictures were left out for repeating one of these.
    """
    nothing = {"rows": 0, "shards": 0, "bytes": 0, "repeats": {}}
    try:
        manifest = read_manifest(data.dataset)
        rows = sum(video["rows"] for video in manifest["videos"] if video["id"] in video_ids)
        shards = [shard for split in manifest["splits"].values() for shard in split["shards"]
                  if any(piece.partition("#")[0] in video_ids for piece in shard["videos"])]
        repeats: Counter[str] = Counter()
        if manifest["index"] and rows:
            index = read_table(data.dataset / manifest["index"]["path"], ["video_id", "duplicate_video"])
            repeated = index.filter(pc.is_in(index["duplicate_video"], pc.cast(sorted(video_ids), "string")))
            repeats.update(name for name in repeated["video_id"].to_pylist() if name not in video_ids)
    except (InputError, IntegrityError, OSError):
        return nothing
    return {"rows": rows, "shards": len(shards), "bytes": sum(shard["bytes"] for shard in shards), "repeats": dict(repeats)}


"""The dataset in the formats that other tools read, and as a recipe without pictures."""

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dataset.manifest import read_manifest, shard_paths
from tasks.dataset.rows import ROWS, picture_key
from tasks.dataset.splits import SPLITS
from tasks.errors import InputError, IntegrityError
from tasks.storage.artefact import Fingerprint, digest_json, write_table
from tasks.storage.atomic import staged_folder

VERSION = 1
BATCH_ROWS = 100
WITHOUT_PICTURE = [name for name in ROWS.names if name != "image"]
RECIPE = pa.schema([pa.field("split", pa.string()), *(ROWS.field(name) for name in WITHOUT_PICTURE)])
RECIPE_FILE = "recipe.parquet"


def export_dataset(dataset: Path, form: str, out: Path) -> int:
    """Write a dataset as `webdataset`, `coco` or `recipe` into the new folder `out`; returns how many pictures it names.

    Raises InputError when `out` holds something, IntegrityError when the dataset is not whole.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already", "name a new or empty folder")
    manifest = read_manifest(dataset)
    write = FORMS[form]
    try:
        with staged_folder(out) as staging:
            return write(dataset, manifest, staging)
    except pa.ArrowException as error:
        raise IntegrityError(f"{dataset}: a shard cannot be read ({error})", "run `framewords verify`") from error


def _rows(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of one shard as Python values, a few at a time in memory."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
            yield from batch.to_pylist()


def _write_webdataset(dataset: Path, manifest: dict[str, Any], out: Path) -> int:
    """One tar a shard, `<split>-<number>.tar`: for each row `<key>.jpg` and `<key>.json`."""
    count = 0
    for split in SPLITS:
        for number, shard in enumerate(shard_paths(dataset, manifest, split)):
            with tarfile.open(out / f"{split}-{number:06d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
                for row in _rows(shard):
                    key, picture = picture_key(row["video_id"], row["frame"]), row.pop("image")["bytes"]
                    _add_member(tar, f"{key}.jpg", picture)
                    _add_member(tar, f"{key}.json", json.dumps(row, sort_keys=True, ensure_ascii=False).encode())
                    count += 1
    return count


def _add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # time 0, no owner: the same rows make the same tar
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _write_coco(dataset: Path, manifest: dict[str, Any], out: Path) -> int:
    """images/<split>/<key>.jpg and annotations/instances_<split>.json, with the same categories in every split.

    Labels have no place in the picture: an annotation's box and outline are the whole picture, its `score` the weight.
    """
    shards = {split: shard_paths(dataset, manifest, split) for split in SPLITS}
    names = sorted({
        label["label"] for paths in shards.values() for path in paths
        for row in _rows(path, ["labels.list.element.label"]) for label in row["labels"]})
    category_ids = {name: number for number, name in enumerate(names, start=1)}
    (out / "annotations").mkdir()
    count = 0
    for split, paths in shards.items():
        (out / "images" / split).mkdir(parents=True)
        for path in paths:
            for row in _rows(path, ["image", "video_id", "frame"]):
                (out / "images" / split / _file_name(row)).write_bytes(row["image"]["bytes"])
                count += 1
        with (out / "annotations" / f"instances_{split}.json").open("w", encoding="utf-8") as file:
            _write_instances(file, paths, category_ids)
    return count


def _file_name(row: dict[str, Any]) -> str:
    return picture_key(row["video_id"], row["frame"]) + ".jpg"


def _write_instances(file: TextIO, shards: list[Path], category_ids: dict[str, int]) -> None:
    """One COCO file, written as it is read, so that a large dataset need not fit in memory."""
    def numbered() -> Iterator[tuple[int, dict[str, Any]]]:
        return enumerate((row for path in shards for row in _rows(path, WITHOUT_PICTURE)), start=1)

    def images() -> Iterator[dict[str, Any]]:
        for number, row in numbered():
            kept = ("width", "height", "video_id", "frame", "timestamp", "url", "licence", "sentence")
            yield {"id": number, "file_name": _file_name(row), **{name: row[name] for name in kept}}

    def annotations() -> Iterator[dict[str, Any]]:
        number = 0
        for image, row in numbered():
            width, height = row["width"], row["height"]
            outline = [[0, 0, width, 0, width, height, 0, height]]
            for label in row["labels"]:
                number += 1  # from 1: pycocotools takes 0 for "no match"
                yield {"id": number, "image_id": image, "category_id": category_ids[label["label"]], "score": label["weight"],
                       "bbox": [0, 0, width, height], "area": width * height, "segmentation": outline, "iscrowd": 0}

    categories = [{"id": number, "name": name, "supercategory": "word"} for name, number in category_ids.items()]
    info = {"description": "Pictures labelled with the words spoken about them; boxes are whole pictures.",
            "version": str(VERSION)}
    file.write(f'{{"info": {json.dumps(info)}')
    parts: tuple[tuple[str, Iterable[dict[str, Any]]], ...] = (
        ("licenses", []), ("categories", categories), ("images", images()), ("annotations", annotations()))
    for name, values in parts:
        file.write(f', "{name}": [')
        for at, value in enumerate(values):
            file.write((",\n" if at else "\n") + json.dumps(value, ensure_ascii=False))
        file.write("]")
    file.write("}\n")


def _write_recipe(dataset: Path, manifest: dict[str, Any], out: Path) -> int:
    """recipe.parquet: every row without its picture, and in the metadata what made the dataset."""
    parts = [RECIPE.empty_table()]
    for split in SPLITS:
        for path in shard_paths(dataset, manifest, split):
            table = pq.read_table(path, columns=WITHOUT_PICTURE)
            parts.append(table.add_column(0, RECIPE.field("split"), pa.repeat(split, len(table))).cast(RECIPE))
    rows = pa.concat_tables(parts)
    told = {key: manifest[key] for key in ("params", "made_by", "engines", "videos")}
    fingerprint = Fingerprint("recipe", VERSION, {}, {"dataset": digest_json(manifest)})
    write_table(rows, out / RECIPE_FILE, fingerprint, extra=told, row_group_rows=10_000)
    return len(rows)


FORMS: dict[str, Callable[[Path, dict[str, Any], Path], int]] = {
    "webdataset": _write_webdataset, "coco": _write_coco, "recipe": _write_recipe}

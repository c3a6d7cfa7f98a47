"""What a row of the dataset is: one kept frame with its picture, its labels and where it comes from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.dataset.labels import Fingerprinted
from tasks.errors import IntegrityError
from tasks.schema import LABEL

JPEG_MAGIC = b"\xff\xd8\xff"
PICTURE = "image.bytes"  # the leaf column of JPEG bytes, stored as they are
READ_ROWS = 100  # at once from frames.parquet, so that a long video is never in memory whole

_COLUMNS = [
    pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    pa.field("video_id", pa.string()),
    pa.field("frame", pa.int32()),
    pa.field("timestamp", pa.float64()),
    pa.field("until", pa.float64()),
    pa.field("width", pa.int32()),  # of the JPEG, in px
    pa.field("height", pa.int32()),
    pa.field("phash", pa.uint64()),
    pa.field("labels", pa.list_(pa.struct([(part.name, part.type) for part in LABEL]))),
    pa.field("sentence", pa.string()),
    pa.field("p_alignable", pa.float32()),
    pa.field("video_offset_seconds", pa.float32()),
    pa.field("video_offset_confidence", pa.float32()),
    pa.field("duplicate_group", pa.string()),  # the first video of the re-uploads this one belongs to, often itself
    pa.field("channel", pa.string()),
    pa.field("title", pa.string()),
    pa.field("url", pa.string()),
    pa.field("licence", pa.string()),
    pa.field("uploaded", pa.string()),
    pa.field("fingerprint", pa.string()),  # of the video: changes with its media, params, code version or details
]
_HUB_NAMES = {"float": "float32", "double": "float64"}


def _feature(kind: pa.DataType) -> Any:
    """A column type as Hugging Face datasets writes it down."""
    if pa.types.is_struct(kind):
        return {part.name: _feature(part.type) for part in kind}
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]
    return {"dtype": _HUB_NAMES.get(str(kind), str(kind)), "_type": "Value"}


_FEATURES = {field.name: _feature(field.type) for field in _COLUMNS} | {"image": {"_type": "Image"}}
# `datasets` and the hub's viewer take the types from here, so that `image` is shown as a picture.
ROWS = pa.schema(_COLUMNS, metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}}, sort_keys=True)})


def picture_key(video_id: str, frame: int) -> str:
    """The name of a picture outside the dataset: unique, safe as a file name, without a dot."""
    return f"{video_id}-{frame:06d}"


def read_rows(folder: Path, labelled: Fingerprinted, frames: NDArray[np.int32], group: str) -> pa.Table:
    """The rows (schema ROWS) of some kept frames of one video, in order of time.

    folder: holds its frames. frames: which of its kept frames, ascending.
    Raises IntegrityError when a file there is damaged or lacks a picture.
    """
    remedy = "delete it and run `framewords ingest` again"
    try:
        pictures = _read_pictures(folder / "frames.parquet", frames)
        examples = pq.read_table(labelled.examples, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(f"{folder}: labels are damaged ({error})", remedy) from error
    video = labelled.video
    jpegs = pictures["jpeg"].combine_chunks()
    if len(pictures) != len(frames) or not all(value.as_py()[:3] == JPEG_MAGIC for value in jpegs if value.is_valid):
        raise IntegrityError(f"{folder / 'frames.parquet'}: pictures are missing or no JPEG", remedy)
    if jpegs.null_count:
        raise IntegrityError(f"{folder / 'frames.parquet'}: {jpegs.null_count} kept frames lack a picture", remedy)
    examples = examples.take(np.searchsorted(examples["frame"].to_numpy(), frames))
    names = pa.array([picture_key(video.id, int(frame)) + ".jpg" for frame in frames], pa.string())
    image = pa.StructArray.from_arrays([jpegs, names], fields=list(ROWS.field("image").type))
    columns: dict[str, Any] = {
        "image": image, "phash": pictures["phash"], "width": pictures["jpeg_width"], "height": pictures["jpeg_height"]}
    same = {"duplicate_group": group, "channel": video.channel, "title": video.title, "url": video.url,
            "licence": video.licence, "uploaded": video.uploaded, "fingerprint": labelled.fingerprint}
    columns |= {name: pa.repeat(value, len(frames)) for name, value in same.items()}
    columns |= {name: examples[name].cast(ROWS.field(name).type) for name in ROWS.names if name not in columns}
    return pa.table([columns[name] for name in ROWS.names], schema=ROWS)


def _read_pictures(path: Path, frames: NDArray[np.int32]) -> pa.Table:
    """frame, phash, jpeg, jpeg_width and jpeg_height of the wanted frames."""
    columns = ["frame", "phash", "jpeg", "jpeg_width", "jpeg_height"]
    wanted = pa.array(frames, pa.int32())
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        schema = pa.schema([file.schema_arrow.field(name) for name in columns])
        found = [
            batch.filter(pc.is_in(batch["frame"], wanted))
            for batch in file.iter_batches(batch_size=READ_ROWS, columns=columns)]
    return pa.Table.from_batches(found, schema)

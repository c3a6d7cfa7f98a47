"""Pictures of labelled videos, small, as judges are shown them."""

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.alignment.screen import Ints
from tasks.errors import InputError, IntegrityError
from tasks.evidence.judge import Pictures
from tasks.nets.pictures import decode_picture, picture_size

log = logging.getLogger(__name__)


def some_of(count: int, most: int) -> Ints:
    """At most so many of 0 ... count - 1, evenly spread."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def read_pictures(frames: Path, wanted: Ints, picture_px: int) -> tuple[Pictures, Ints]:
    """The pictures of kept frames, and which of those wanted they are; one that cannot be decoded is left out.

    frames: a frames.parquet. wanted: numbers of kept frames, ascending.
    Returns uint8 (n, H, W, 3) and the places in `wanted`, shape (n,).
    Raises IntegrityError when the file is damaged.
    """
    keep = pa.array(wanted, pa.int32())
    try:
        with pq.ParquetFile(frames, page_checksum_verification=True) as file:
            rows = [row for batch in file.iter_batches(batch_size=100, columns=["frame", "jpeg"])
                    for row in batch.filter(pc.is_in(batch["frame"], keep)).to_pylist()]
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(f"{frames}: damaged ({error})", "delete it and run `framewords ingest` again") from error
    jpegs = {row["frame"]: row["jpeg"] for row in rows}
    pictures, places = [np.empty((0, *picture_size(picture_px), 3), np.uint8)], []
    for place, frame in enumerate(wanted.tolist()):
        try:
            pictures.append(decode_picture(jpegs.get(frame) or b"", picture_px)[None])
            places.append(place)
        except InputError as error:
            log.warning("%s: frame %d is not looked at: %s", frames, frame, error)
    return np.concatenate(pictures), np.array(places, dtype=np.int64)

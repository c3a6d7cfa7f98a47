"""Does a file speak of a forgotten video? A shard says in its record whose rows it holds; other Parquet is read by its columns of
ids, and anything else byte for byte.
"""

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ID_COLUMNS = ("video_id", "duplicate_video")
SHARD, MAGIC = b'"step": "dataset"', b"PAR1"
PIECE_BYTES = 4 << 20


class Traces:
    """What forgotten videos may be known by.

    video_ids; texts: titles and addresses. Found as whole names only, so that `site_1` is not taken for `site_12`.
    """

    def __init__(self, video_ids: Collection[str], texts: Collection[str] = ()) -> None:
        self.video_ids = frozenset(video_ids)
        self._plain = [text.encode() for text in sorted({*video_ids, *texts})]
        wanted = b"|".join(map(re.escape, self._plain))
        self._any = re.compile(rb"(?<![A-Za-z0-9_-])(?:" + wanted + rb")(?![A-Za-z0-9_-])")
        self._longest = max(map(len, self._plain), default=0) + 2

    def in_bytes(self, content: bytes) -> bool:
        return any(text in content for text in self._plain) and self._any.search(content) is not None

    def in_file(self, path: Path) -> bool:
        """Raises OSError when it cannot be read."""
        with path.open("rb") as file:
            if file.read(4) == MAGIC:
                return self._in_table(path)
            file.seek(0)
            return any(self.in_bytes(piece) for piece in _overlapping(iter(lambda: file.read(PIECE_BYTES), b""), self._longest))

    def _in_table(self, path: Path) -> bool:
        footer = _footer(path)
        if SHARD in footer:
            return self.in_bytes(footer)
        try:
            with pq.ParquetFile(path) as file:
                metadata, columns = file.metadata, [name for name in ID_COLUMNS if name in file.schema_arrow.names]
            with pq.ParquetFile(path, metadata=metadata, read_dictionary=columns) as file:
                ids = {name for column in file.read(columns).columns for name in column.unique().to_pylist()}
        except pa.ArrowException:  # half a file: what can be read of it is its bytes
            return self.in_bytes(path.read_bytes())
        return self.in_bytes(footer) or not self.video_ids.isdisjoint(ids)


def _footer(path: Path) -> bytes:
    """The last part of a Parquet file, which holds its record, not parsed: that takes much longer. Empty for half a file."""
    with path.open("rb") as file:
        file.seek(-min(8, path.stat().st_size), os.SEEK_END)
        tail = file.read()
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or length + 8 > path.stat().st_size:
            return b""
        file.seek(-8 - length, os.SEEK_END)
        return file.read(length)


def _overlapping(pieces: Iterator[bytes], overlap: int) -> Iterator[bytes]:
    """The pieces, each after the end of the one before, so that nothing is missed between two."""
    tail = b""
    for piece in pieces:
        yield tail + piece
        tail = (tail + piece)[-overlap:]

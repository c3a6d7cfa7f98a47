"""Any row of a shard in half a millisecond."""

from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.errors import IntegrityError


class ShardReader:
    """Random access to one shard: a memory map, one row group's pictures read per row, everything else read once and kept.

    Decoding the twenty small columns of a row group costs more than copying its pictures; kept, they take about 0.5 KB a row.
    """

    def __init__(self, path: Path) -> None:
        """Raises IntegrityError when the shard is missing or torn."""
        try:
            self._file = pq.ParquetFile(path, memory_map=True)
        except (pa.ArrowException, OSError) as error:
            raise IntegrityError(f"{path}: not a whole shard ({error})", "run `framewords verify`") from error
        metadata = self._file.metadata
        self._small = [name for name in self._file.schema_arrow.names if name != "image"]
        self._kept: dict[int, pa.Table] = {}
        self._starts: list[int] = [0, *accumulate(metadata.row_group(at).num_rows for at in range(metadata.num_row_groups))]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, row: int) -> dict[str, Any]:
        """The row as Python values; its picture is under ["image"]["bytes"]."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        group = bisect_right(self._starts, row) - 1
        if group not in self._kept:
            self._kept[group] = self._file.read_row_group(group, columns=self._small, use_threads=False)
        pictures = self._file.read_row_group(group, columns=["image"], use_threads=False)
        at = row - self._starts[group]
        return {"image": pictures["image"][at].as_py(), **self._kept[group].slice(at, 1).to_pylist()[0]}

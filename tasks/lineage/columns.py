"""Columns searched without making pyarrow values of Python's: that imports pandas, where it is installed, and takes longer than
answering a question.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.storage.artefact import numbers

Mask = NDArray[np.bool_]


def read_columns(path: Path, columns: Sequence[str], names: Sequence[str] = ()) -> pa.Table:
    """Some columns of an artefact. names: those of strings that repeat, kept as codes into their different values."""
    with pq.ParquetFile(path, memory_map=True, read_dictionary=list(names)) as file:
        return file.read(columns=list(columns), use_threads=False)


def read_all(paths: Sequence[Path], columns: Sequence[str], names: Sequence[str] = ()) -> Iterator[pa.Table]:
    """`read_columns` of many files, in their order, on all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda path: read_columns(path, columns, names), paths)


def matching(column: pa.ChunkedArray, wanted: Callable[[str], bool]) -> Mask:
    """Where a column of codes stands for a wanted string; each different one is asked about once."""
    masks = [np.empty(0, np.bool_)]
    for chunk in column.chunks:
        answers = np.array([wanted(value) for value in chunk.dictionary.to_pylist()], np.bool_)
        masks.append(answers[numbers(pa.chunked_array([chunk.indices]))])
    return np.concatenate(masks)


def taken(table: pa.Table, places: NDArray[np.int64]) -> pa.Table:
    """Some rows of a table, in the order asked for."""
    return table.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)]))


def rows_at(table: pa.Table, mask: Mask) -> list[dict[str, Any]]:
    """The rows where the mask is true."""
    return list(taken(table, np.flatnonzero(mask).astype(np.int64)).to_pylist())


def counted(column: pa.ChunkedArray) -> Counter[Any]:
    """How often each value is there, None among them."""
    return Counter({pair["values"]: pair["counts"] for pair in column.value_counts().to_pylist()})


def last_of_each(column: pa.ChunkedArray) -> dict[Any, int]:
    """The last place of each value, None among them."""
    codes = column.combine_chunks().dictionary_encode(null_encoding="encode")
    places = np.full(len(codes.dictionary), -1)
    places[numbers(pa.chunked_array([codes.indices]))] = np.arange(len(codes))
    return dict(zip(codes.dictionary.to_pylist(), places.tolist(), strict=True))

"""Arrays in one file that is read where it lies, memory-mapped: a line of JSON, then each array, padded to 64 bytes."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import IntegrityError
from tasks.storage.atomic import staged_file

FORMAT = "framewords-arrays-1"
KINDS = ("|i1", "<i4", "<f2", "<f4", "<f8")
ALIGN = 64
MAX_HEADER_BYTES = 64_000_000

Arrays = Mapping[str, NDArray[Any]]


def write_arrays(path: Path, facts: Mapping[str, Any], arrays: Arrays) -> None:
    """Write small facts and arrays, whole or not at all; the bytes follow from the arguments alone."""
    shapes = {name: [array.dtype.str, *array.shape] for name, array in arrays.items()}
    header = json.dumps({"format": FORMAT, "arrays": shapes, "facts": facts}).encode() + b"\n"
    with staged_file(path) as staging, staging.open("wb") as file:
        for part in (header, *(array.tobytes() for array in arrays.values())):
            file.write(part + bytes(-len(part) % ALIGN))


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Facts and arrays; of the arrays nothing is read yet.

    Raises IntegrityError when the file is torn or something else, FileNotFoundError when it is not there.
    """
    arrays = {}
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size
        header = json.loads(line)
        if header["format"] != FORMAT:
            raise ValueError("of another format")
        end = _padded(len(line))
        where = {}
        for name, (kind, *shape) in header["arrays"].items():
            if kind not in KINDS or not all(type(length) is int and length >= 0 for length in shape):
                raise ValueError(f"array {name}")
            where[name] = (end, np.dtype(kind), shape)
            end += _padded(math.prod(shape) * np.dtype(kind).itemsize)
        if size != end:
            raise ValueError(f"{size} bytes, not {end}")
        facts = dict(header["facts"])
        mapped = np.asarray(np.memmap(path, np.uint8, "r"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{path}: torn, or no part of an index", "delete it; it is made again when needed") from error
    for name, (start, kind, shape) in where.items():
        arrays[name] = mapped[start:start + math.prod(shape) * kind.itemsize].view(kind).reshape(shape)
    return facts, arrays


def _padded(size: int) -> int:
    return size + -size % ALIGN

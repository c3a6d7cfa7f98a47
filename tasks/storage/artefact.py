"""Artefacts by fingerprint: a file says what made it, so that any process can tell whether a step is done."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.errors import IntegrityError
from tasks.storage.atomic import staged_file

METADATA_KEY = b"framewords"
HASH_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """What made an artefact: the step, its version, the params it depends on, and its inputs by digest."""

    step: str
    version: int
    params: Mapping[str, Any]
    inputs: Mapping[str, str]

    @property
    def digest(self) -> str:
        """32 hex digits; equal only for the same step, version, params and inputs."""
        return digest_json({
            "step": self.step, "version": self.version, "params": dict(self.params), "inputs": dict(self.inputs)})

    def to_json(self) -> str:
        return json.dumps({"step": self.step, "version": self.version, "params": dict(self.params),
                           "inputs": dict(self.inputs), "fingerprint": self.digest}, sort_keys=True)


def digest_json(value: Any) -> str:
    """32 hex digits of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def digest_file(path: Path) -> str:
    """32 hex digits of the bytes of a file (blake2b-128)."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_table(
    table: pa.Table, final: Path, fingerprint: Fingerprint, *, extra: Mapping[str, Any] | None = None,
    row_group_rows: int = 100, plain_columns: tuple[str, ...] = (),
) -> None:
    """Write a table as Parquet, whole or not at all, with its fingerprint in the metadata.

    extra: small facts of the step (counts, engine, timings of nothing), under the key `extra`; no wall clock.
    plain_columns: columns of already compressed bytes, written without dictionary and compression; one inside a struct
    by its dotted path, as `image.bytes`.
    """
    with table_writer(
            final, table.schema, fingerprint, row_group_rows=row_group_rows, plain_columns=plain_columns) as writer:
        writer.extra.update(extra or {})
        writer.parquet.write_table(table, row_group_size=row_group_rows)


@dataclass
class TableWriter:
    """Rows of a table that need not fit in memory. `extra` may be filled in until the end."""

    parquet: pq.ParquetWriter
    schema: pa.Schema
    row_group_rows: int
    extra: dict[str, Any]
    waiting: list[Mapping[str, Any]]

    def add(self, row: Mapping[str, Any]) -> None:
        self.waiting.append(row)
        if len(self.waiting) == self.row_group_rows:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.parquet.write_table(pa.Table.from_pylist(self.waiting, self.schema))
            self.waiting.clear()


@contextmanager
def table_writer(
    final: Path, schema: pa.Schema, fingerprint: Fingerprint, *, row_group_rows: int = 100,
    plain_columns: tuple[str, ...] = (),
) -> Iterator[TableWriter]:
    """As `write_table`, row by row; the file appears when the block ends well."""
    leaves = [path for field in schema for path in leaf_paths(field)]
    plain = {path for path in leaves if path in plain_columns}
    with staged_file(final) as staging, pq.ParquetWriter(
            staging, schema, compression={path: "NONE" if path in plain else "ZSTD" for path in leaves},
            use_dictionary=[path for path in leaves if path not in plain], write_page_checksum=True) as parquet:
        writer = TableWriter(parquet, schema, row_group_rows, {}, [])
        yield writer
        writer.flush()
        record = json.loads(fingerprint.to_json()) | {"extra": writer.extra}
        parquet.add_key_value_metadata({METADATA_KEY.decode(): json.dumps(record, sort_keys=True)})


def leaf_paths(field: pa.Field, prefix: str = "") -> list[str]:
    """The Parquet columns of a field, by dotted path: a struct's `image.bytes`, a list's `labels.list.element.label`."""
    path = prefix + field.name
    if pa.types.is_struct(field.type):
        return [leaf for child in field.type for leaf in leaf_paths(child, f"{path}.")]
    if pa.types.is_list(field.type):
        return leaf_paths(field.type.value_field.with_name("element"), f"{path}.list.")
    return [path]


def read_record(path: Path) -> dict[str, Any]:
    """The fingerprint record of a Parquet artefact: step, version, params, inputs, fingerprint, extra.

    Raises IntegrityError when the file is torn or carries no record.
    """
    try:
        metadata = pq.read_metadata(path).metadata or {}
        return dict(json.loads(metadata[METADATA_KEY]))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise IntegrityError(f"{path}: not a whole framewords artefact", "delete it and run again") from error


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """An artefact's rows, or some of its columns. Unlike pyarrow.parquet.read_table it does not load the dataset module,
    which takes half a second and is never needed for one file.
    """
    with pq.ParquetFile(path) as file:
        return file.read(columns=columns)


def numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column of numbers or truths without nulls, as an array. pyarrow's own conversion imports pandas, where it is installed,
    which takes longer than all the rest of a run that has nothing to do.
    """
    if pa.types.is_boolean(column.type):
        return numbers(column.cast(pa.uint8())).astype(np.bool_)
    letter = "f" if pa.types.is_floating(column.type) else "u" if pa.types.is_unsigned_integer(column.type) else "i"
    kind = np.dtype(f"{letter}{column.type.bit_width // 8}")
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    parts = [np.frombuffer(chunk.buffers()[1], kind, len(chunk), chunk.offset * kind.itemsize) for chunk in chunks]
    return np.concatenate(parts) if parts else np.empty(0, kind)


def is_done(path: Path, fingerprint: Fingerprint) -> bool:
    """True when `path` is whole and was made by exactly this fingerprint."""
    if not path.is_file():
        return False
    try:
        return bool(read_record(path)["fingerprint"] == fingerprint.digest)
    except IntegrityError:
        return False  # a torn file is simply made again

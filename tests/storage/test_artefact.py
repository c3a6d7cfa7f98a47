"""Artefacts say what made them, and pictures inside them are stored as they are."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.errors import IntegrityError
from tasks.storage.artefact import Fingerprint, is_done, leaf_paths, numbers, read_record, write_table

FINGERPRINT = Fingerprint("frames", 1, {"every_seconds": 3.0}, {"media": "ab"})
PICTURES = pa.table({
    "image": pa.array([{"bytes": os.urandom(5000), "path": "a.jpg"}] * 10),
    "labels": pa.array([[{"label": "egg", "weight": 0.5}]] * 10),
})


def test_leaf_paths_are_the_columns_that_parquet_writes(tmp_path: Path) -> None:
    pq.write_table(PICTURES, tmp_path / "plain.parquet")
    group = pq.read_metadata(tmp_path / "plain.parquet").row_group(0)
    written = [group.column(at).path_in_schema for at in range(group.num_columns)]
    assert [path for field in PICTURES.schema for path in leaf_paths(field)] == written


def test_picture_bytes_inside_a_struct_are_stored_without_compression_or_dictionary(tmp_path: Path) -> None:
    write_table(PICTURES, tmp_path / "a.parquet", FINGERPRINT, plain_columns=("image.bytes",))
    group = pq.read_metadata(tmp_path / "a.parquet").row_group(0)
    columns = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
    assert columns["image.bytes"].compression == "UNCOMPRESSED"
    assert "RLE_DICTIONARY" not in columns["image.bytes"].encodings
    assert {columns[path].compression for path in columns if path != "image.bytes"} == {"ZSTD"}
    assert "RLE_DICTIONARY" in columns["labels.list.element.label"].encodings


def test_an_artefact_is_done_for_the_fingerprint_that_made_it_only(tmp_path: Path) -> None:
    write_table(PICTURES, tmp_path / "a.parquet", FINGERPRINT, extra={"kept": 10})
    assert is_done(tmp_path / "a.parquet", FINGERPRINT)
    assert not is_done(tmp_path / "a.parquet", Fingerprint("frames", 1, {"every_seconds": 2.0}, {"media": "ab"}))
    assert read_record(tmp_path / "a.parquet")["extra"] == {"kept": 10}


def test_a_torn_artefact_is_not_done_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(PICTURES, path, FINGERPRINT)
    path.write_bytes(path.read_bytes()[:-20])
    assert not is_done(path, FINGERPRINT)
    with pytest.raises(IntegrityError, match="not a whole"):
        read_record(path)


def test_one_flipped_bit_in_a_stored_picture_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(PICTURES, path, FINGERPRINT, plain_columns=("image.bytes",))
    data = bytearray(path.read_bytes())
    picture = PICTURES["image"][0].as_py()["bytes"]
    data[data.index(picture) + 100] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"[Cc][Rr][Cc]|checksum"):
        pq.read_table(path, page_checksum_verification=True)


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.int32(), pa.float32(), pa.float64(), pa.bool_()])
def test_numbers_are_those_of_the_column(kind: pa.DataType) -> None:
    whole = pa.array([1, 0, 1, 1, 0], pa.int8()).cast(kind)
    column = pa.chunked_array([whole[1:3], pa.array([], kind), whole])
    assert numbers(column).tolist() == [0, 1, 1, 0, 1, 1, 0]
    assert numbers(column).dtype == kind.to_pandas_dtype()
    assert len(numbers(column[:0])) == 0

"""Is every byte of the dataset what the manifest says?"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dataset.duplicates import INDEX
from tasks.dataset.manifest import REMEDY, file_entry, read_manifest
from tasks.dataset.rows import ROWS
from tasks.errors import IntegrityError


def verify(dataset: Path) -> int:
    """Re-hash every file of a dataset; returns how many.

    Raises IntegrityError naming the first file that is missing, torn, altered or of another shape, and how many are; or the
    book that does not balance.
    """
    manifest = read_manifest(dataset)
    files = [(shard, ROWS) for split in manifest["splits"].values() for shard in split["shards"]]
    files += [(manifest["index"], INDEX)] if manifest["index"] else []
    faults = [fault for entry, schema in files if (fault := _fault(dataset / entry["path"], entry, schema))]
    faults += _unbalanced(manifest)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise IntegrityError(f"{dataset}: {faults[0]}{more}", REMEDY)
    return len(files)


def _fault(path: Path, entry: dict[str, Any], schema: pa.Schema) -> str:
    """What is wrong with a file, or nothing."""
    if not path.is_file():
        return f"{entry['path']} is missing"
    if path.stat().st_size != entry["bytes"]:
        return f"{entry['path']} has {path.stat().st_size} bytes, not {entry['bytes']}"
    found = file_entry(path, entry["path"])
    if found["digest"] != entry["digest"]:
        return f"{entry['path']} was altered: its digest is not {entry['digest']}"
    if found["object"] != entry["object"]:
        return f"{entry['path']}: the object named for it holds other bytes"
    try:
        metadata = pq.read_metadata(path)
        columns = metadata.schema.to_arrow_schema()
    except (pa.ArrowException, OSError):
        return f"{entry['path']} is no Parquet file"
    if not columns.equals(schema):
        return f"{entry['path']} has other columns than this version writes"
    groups = sum(metadata.row_group(at).num_rows for at in range(metadata.num_row_groups))
    if not metadata.num_rows == groups == entry["rows"]:
        return f"{entry['path']} holds {groups} rows, not {entry['rows']}"
    return ""


def _unbalanced(manifest: dict[str, Any]) -> list[str]:
    """The books whose sides differ."""
    faults = []
    for what, book in manifest["books"].items():
        accounted = book["kept"] + sum(book["left_out"].values())
        if book["all"] != accounted:
            faults.append(f"the books of {what} do not balance: {book['all']} came in, {accounted} are accounted for")
    shards = [shard for split in manifest["splits"].values() for shard in split["shards"]]
    if sum(shard["rows"] for shard in shards) != manifest["books"]["frames"]["kept"]:
        faults.append("the shards do not hold the rows that the books say")
    return faults

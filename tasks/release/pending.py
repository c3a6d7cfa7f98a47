"""Files that differ from the version checked out: damaged, or made since and in no version yet? Their own records tell."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dataset.manifest import MANIFEST
from tasks.dataset.verify import verify
from tasks.download.media import RECORD, damaged_files
from tasks.errors import IntegrityError, WorkflowError
from tasks.storage.artefact import Fingerprint, read_record
from tasks.storage.project import Project


@dataclass(frozen=True)
class Pending:
    """What may have changed since the version.

    differing: files that are not as in the version, those that are gone included. unlisted: files the version does not have.
    """

    project: Project
    differing: frozenset[Path]
    unlisted: frozenset[Path]

    def is_newer(self, path: Path, committed: Path) -> bool:
        """True for a differing file that was made, whole, after the version.

        committed: DVC's copy of the file, where it is whole.
        """
        data = self.project.data
        if path.is_relative_to(data.dataset):
            return data.dataset / MANIFEST in self.differing and self._sealed
        if path.is_relative_to(self._media):
            folder = self._media / path.relative_to(self._media).parts[0]
            # A single damaged file never fits: the record and what it records must both have changed, together.
            changed = {file.name for file in self.differing if file.parent == folder}
            return RECORD in changed and len(changed) > 1 and not _damaged(folder)
        if path.is_relative_to(data.labels_root):
            return path.is_file() and _was_remade(path, committed)
        return False

    def faults(self) -> list[Path]:
        """The unlisted files that are not whole by their own records."""
        data = self.project.data
        folders = {path.parent for path in self.unlisted if path.name == RECORD and path.is_relative_to(self._media)}
        faults = [fault for folder in sorted(folders) for fault in _damaged(folder)]
        tables = [path for path in self.unlisted if path.suffix == ".parquet" and path.is_relative_to(data.labels_root)]
        faults += [path for path in sorted(tables) if not _is_readable(path)]
        if data.dataset / MANIFEST in self.unlisted and not self._sealed:
            faults.append(data.dataset / MANIFEST)
        return faults

    @cached_property
    def _media(self) -> Path:
        return self.project.data.root / "media"

    @cached_property
    def _sealed(self) -> bool:
        """The dataset is what its own manifest says."""
        try:
            verify(self.project.data.dataset)
        except WorkflowError:
            return False
        return True


def _damaged(folder: Path) -> list[Path]:
    try:
        return list(damaged_files(folder))
    except (IntegrityError, OSError):
        return [folder / RECORD]


def _was_remade(path: Path, committed: Path) -> bool:
    """Another fingerprint than the version's, itself unaltered, over pages that are whole."""
    try:
        record, before = read_record(path), read_record(committed)
        made = Fingerprint(record["step"], record["version"], record["params"], record["inputs"]).digest
    except (IntegrityError, KeyError, TypeError):
        return False
    return made == record["fingerprint"] != before["fingerprint"] and _is_readable(path)


def _is_readable(path: Path) -> bool:
    """True when every page of a Parquet file has the checksum it was written with."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for _ in file.iter_batches():
                pass
    except (pa.ArrowException, OSError):
        return False
    return True

"""What was tried, when, what came of it. Written by the flow process only; the artefacts stay the truth about content."""

import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.storage.artefact import digest_file

SCHEMA = """
CREATE TABLE IF NOT EXISTS outcomes (
    video_id TEXT PRIMARY KEY, outcome TEXT NOT NULL, step TEXT NOT NULL, code TEXT NOT NULL, problem TEXT NOT NULL,
    attempts INTEGER NOT NULL, updated TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS digests (
    path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Outcome:
    """How a video ended.

    outcome: `labelled` or `set_aside` or `failed` (may pass when tried again).
    step, code, problem: where and why it stopped; empty when labelled.
    """

    video_id: str
    outcome: str
    step: str = ""
    code: str = ""
    problem: str = ""
    attempts: int = 1


class Ledger:
    """SQLite file of outcomes; safe to use from the threads of one process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        self._database.close()

    def record(self, outcome: Outcome) -> None:
        """Note how a video ended this time; its attempts add up."""
        with self._lock:
            self._database.execute(
                "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, datetime('now')) ON CONFLICT (video_id) DO UPDATE SET "
                "outcome=excluded.outcome, step=excluded.step, code=excluded.code, problem=excluded.problem, "
                "attempts=attempts + 1, updated=excluded.updated",
                (outcome.video_id, outcome.outcome, outcome.step, outcome.code, outcome.problem, 1))

    def outcomes(self) -> dict[str, Outcome]:
        """The last outcome of every video ever tried."""
        with self._lock:
            rows = self._database.execute(
                "SELECT video_id, outcome, step, code, problem, attempts FROM outcomes ORDER BY video_id").fetchall()
        return {row[0]: Outcome(*row) for row in rows}

    def file_digest(self, path: Path) -> str:
        """digest_file, remembered while size and modification time stay the same."""
        status = path.stat()
        with self._lock:
            row = self._database.execute(
                "SELECT digest FROM digests WHERE path=? AND bytes=? AND mtime_ns=?",
                (str(path), status.st_size, status.st_mtime_ns)).fetchone()
        if row:
            return str(row[0])
        return digest_file(path)

    def remember_digests(self, digests: Mapping[Path, str]) -> None:
        """Keep what file_digest read, so that the next run need not read it again."""
        statuses = {path: path.stat() for path in digests if path.is_file()}
        rows = [(str(path), status.st_size, status.st_mtime_ns, digests[path]) for path, status in statuses.items()]
        with self._lock, self._database:
            self._database.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", rows)

"""What was tried, when, what came of it, when to try again. Written by the flow process only.

The artefacts stay the truth about content: a ledger that is lost or damaged is made anew, and `adopt` fills in what is labelled.
"""

import json
import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tasks.errors import IntegrityError, TransientError
from tasks.schema import FORGOTTEN, Video
from tasks.storage.artefact import digest_file
from tasks.storage.failures import CLASSES, FailureClass, Policy, class_of

FORMAT = 1  # PRAGMA user_version; 0: before failures had a policy
SCHEMA = """
CREATE TABLE IF NOT EXISTS outcomes (
    video_id TEXT PRIMARY KEY, outcome TEXT NOT NULL, step TEXT NOT NULL, code TEXT NOT NULL, problem TEXT NOT NULL,
    attempts INTEGER NOT NULL, updated TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS digests (
    path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL);
"""
SINCE_FORMAT_1 = """
ALTER TABLE outcomes ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE outcomes ADD COLUMN rested_on TEXT NOT NULL DEFAULT '';
ALTER TABLE outcomes ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
UPDATE outcomes SET attempts = (outcome != 'labelled');
CREATE TABLE sources (
    name TEXT PRIMARY KEY, state TEXT NOT NULL DEFAULT '{}', paused_until TEXT NOT NULL DEFAULT '',
    problem TEXT NOT NULL DEFAULT '', pauses INTEGER NOT NULL DEFAULT 0);
CREATE TABLE nights (night TEXT PRIMARY KEY, facts TEXT NOT NULL);
"""
COLUMNS = {
    "outcomes": "video_id, outcome, step, code, problem, attempts, source, updated, rested_on, asked",  # as Outcome has them
    "sources": "name, state, paused_until, problem, pauses",
    "nights": "night, facts",
    "digests": "path, bytes, mtime_ns, digest",
}
RESUME = "UPDATE sources SET paused_until='', problem='', pauses=0"
STATES = ("labelled", "waiting", *CLASSES, FORGOTTEN)
# Primary result codes of SQLite that mean the file is not what we wrote: no such column, malformed, not a database.
DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
IN_A_ROW = timedelta(days=2)  # a block this soon after a rest is the same trouble going on
LOCKED_SECONDS = 30.0  # another process may be reading

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a video ended.

    outcome: `labelled` or `set_aside` or `failed` (may pass when tried again).
    step, code, problem: where and why it stopped; empty when labelled.
    attempts: failed tries in a row, blocked ones not counted; set by the ledger, as are the rest.
    source: where the video was found. tried: ISO time, UTC. rested_on: see Policy.rests_on.
    asked: a person wants it tried again.
    """

    video_id: str
    outcome: str
    step: str = ""
    code: str = ""
    problem: str = ""
    attempts: int = 0
    source: str = ""
    tried: str = ""
    rested_on: str = ""
    asked: bool = False

    @property
    def state(self) -> str:
        """`labelled`, or the class of its failure."""
        return "labelled" if self.outcome == "labelled" else class_of(self.code)

    @property
    def tried_at(self) -> datetime:
        return _moment(self.tried)


FIELDS = tuple(each.name for each in fields(Outcome))


@dataclass(frozen=True)
class Counts:
    """The list by state (one of STATES); every video is in exactly one, so the states add up to what is listed.

    sources: the same for every source. codes: for every class of failure, how many of each code.
    """

    states: Counter[str] = field(default_factory=Counter)
    sources: dict[str, Counter[str]] = field(default_factory=dict)
    codes: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def listed(self) -> int:
        return self.states.total()


def count_states(videos: Iterable[Video], outcomes: Mapping[str, Outcome]) -> Counts:
    """The videos of a list by state. outcomes: by video id."""
    counts = Counts()
    for video in videos:
        outcome = outcomes.get(video.id)
        state = FORGOTTEN if video.is_forgotten else outcome.state if outcome else "waiting"
        counts.states[state] += 1
        counts.sources.setdefault(video.source, Counter())[state] += 1
        if outcome is not None and state in CLASSES:
            counts.codes.setdefault(state, Counter())[outcome.code] += 1
    return counts


class Ledger:
    """SQLite file of outcomes; safe to use from the threads of one process.

    moved_aside: where a damaged ledger was put when this one was made in its place; None otherwise.
    """

    def __init__(self, path: Path) -> None:
        """Raises TransientError when the file cannot be opened, IntegrityError when a newer framewords wrote it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self.moved_aside: Path | None = None
        try:
            self._database = _open(path)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter: SQLite quotes a damaged byte
            if isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode & 0xFF not in DAMAGE:
                raise TransientError(f"{path}: cannot be opened ({error})", "correct its permissions, then run again") from error
            self.moved_aside = _move_aside(path)
            log.warning("%s: damaged, moved to %s; a new one is made", path, self.moved_aside.name)
            self._database = _open(path)

    def close(self) -> None:
        self._database.close()

    # Outcomes

    def record(self, outcome: Outcome, now: datetime, policy: Policy) -> None:
        """Note how a video ended this time. Failed tries of one class in a row add up; blocked ones do not count.

        A source whose rest is over, and which gave this video, has no pause to be doubled any more.
        """
        labelled = outcome.state == "labelled"
        rested_on = "" if labelled else policy.rests_on(outcome.code, outcome.source)
        with self._transaction():
            row = self._database.execute(
                f"SELECT {COLUMNS['outcomes']} FROM outcomes WHERE video_id=?", (outcome.video_id,)).fetchone()  # noqa: S608
            before = _outcome(row) if row else None
            self._write(replace(
                outcome, attempts=_attempts(before, outcome), tried=_iso(now), rested_on=rested_on, asked=False))
            if labelled and (before is None or before.state != "labelled"):
                for name in (outcome.source, _host(outcome.source)):
                    self._database.execute(f"{RESUME} WHERE name=? AND paused_until<=?", (name, _iso(now)))

    def adopt(self, video_ids: Iterable[str], now: datetime) -> int:
        """Note as labelled what the artefacts show to be, where nothing is known. Returns how many."""
        with self._transaction():
            missing = sorted(set(video_ids) - self.outcomes().keys())
            for video_id in missing:
                self._write(Outcome(video_id, "labelled", tried=_iso(now)))
        return len(missing)

    def outcomes(self) -> dict[str, Outcome]:
        """The last outcome of every video ever tried."""
        rows = self._read(f"SELECT {COLUMNS['outcomes']} FROM outcomes ORDER BY video_id")  # noqa: S608
        return {str(row[0]): _outcome(row) for row in rows}

    def due(
        self, videos: Iterable[Video], now: datetime, policy: Policy, *, again: Collection[str] = (), offline: bool = False,
    ) -> list[Video]:
        """The videos to be tried now, in the order given.

        Never tried, or due again, or asked for by a person. Not: labelled, forgotten, or of a source (or host) that rests,
        unless a person asked.
        again: ids that are due whatever came of them before. offline: nobody will be asked, so it does not matter who rests.
        """
        outcomes, paused = self.outcomes(), {} if offline else self.paused(now)

        def is_due(video: Video) -> bool:
            if video.is_forgotten:
                return False
            outcome = outcomes.get(video.id)
            if video.id in again or (outcome is not None and outcome.asked):
                return True
            if video.source in paused or _host(video.url) in paused:
                return False
            if outcome is None:
                return True
            return outcome.state != "labelled" and policy.is_due(
                outcome.code, outcome.attempts, outcome.tried_at, outcome.rested_on, video.source, now)

        return [video for video in videos if is_due(video)]

    def counts(self, videos: Iterable[Video]) -> Counts:
        """What has become of a list."""
        return count_states(videos, self.outcomes())

    def reset(self, video_ids: Iterable[str]) -> int:
        """Have failed videos tried again at once, even while their source rests; their tries count from the start.

        Returns how many. Labelled videos, and those that wait anyway, are left as they are.
        """
        with self._transaction():
            return sum(self._database.execute(
                "UPDATE outcomes SET asked=1, attempts=0 WHERE video_id=? AND outcome!='labelled'", (video_id,)).rowcount
                for video_id in sorted(set(video_ids)))

    def reset_class(self, kind: FailureClass) -> int:
        """`reset` for every video that failed so. What is blocked is a source: for that class every rest ends, too."""
        if kind == "blocked":
            with self._transaction():
                self._database.execute(RESUME)
        return self.reset(video_id for video_id, outcome in self.outcomes().items() if outcome.state == kind)

    def forget(self, video_id: str) -> int:
        """Keep nothing about a video, nor about the local file it came from; returns how many rows there were.

        What they said is overwritten in the file itself.
        """
        self._read("PRAGMA secure_delete=ON")
        with self._transaction():
            rows = self._database.execute("DELETE FROM outcomes WHERE video_id=?", (video_id,)).rowcount
            rows += self._database.execute(
                "DELETE FROM digests WHERE 'file_' || substr(digest, 1, 16) = ?", (video_id,)).rowcount
        self._read("PRAGMA wal_checkpoint(TRUNCATE)")
        return rows

    # Sources

    def source_state(self, name: str) -> dict[str, Any]:
        """What discovery keeps about a source; empty when nothing is known."""
        for (text,) in self._read("SELECT state FROM sources WHERE name=?", name):
            return _read_json(text, f"state of source {name}")
        return {}

    def keep_source(self, name: str, state: Mapping[str, Any]) -> None:
        """Keep what discovery knows about a source. state: JSON values."""
        with self._transaction():
            self._database.execute(
                "INSERT INTO sources (name, state) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET state=excluded.state",
                (name, json.dumps(state, sort_keys=True)))

    def block_source(self, name: str, problem: str, asked_seconds: float, now: datetime, policy: Policy) -> datetime:
        """Let a source (or host) that blocked us rest, longer each time in a row. Returns until when.

        asked_seconds: BlockedError.retry_after_seconds. Further blocks while it rests already are the same one. A row ends
        when the source gives a video (see `record`), or is left in peace for a while: that it can be listed proves nothing.
        """
        with self._transaction():
            rows = self._read("SELECT paused_until, pauses FROM sources WHERE name=?", name)
            rested, pauses = (_moment(rows[0][0]), int(rows[0][1])) if rows else (_moment(""), 0)
            if rested <= now:
                pauses = pauses + 1 if now - rested < IN_A_ROW else 1
            until = max(policy.pause_until(pauses, asked_seconds, now), rested)
            self._pause(name, until, problem, pauses)
        return until

    def pause_source(self, name: str, until: datetime, problem: str) -> None:
        """Ask a source (or host) for nothing before `until`."""
        with self._transaction():
            self._pause(name, until, problem, 1)

    def paused(self, now: datetime) -> dict[str, tuple[datetime, str]]:
        """The sources and hosts that rest: until when, and why."""
        rows = self._read("SELECT name, paused_until, problem FROM sources WHERE paused_until!='' ORDER BY name")
        return {name: (until, problem) for name, until, problem in (
            (str(row[0]), _moment(row[1]), str(row[2])) for row in rows) if until > now}

    # Nights

    def night_done(self, night: date) -> bool:
        """True when the run of that night was finished."""
        return bool(self._read("SELECT 1 FROM nights WHERE night=?", night.isoformat()))

    def record_night(self, night: date, facts: Mapping[str, Any]) -> None:
        """Note that the run of a night is finished. facts: JSON values, what it did."""
        with self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO nights VALUES (?, ?)", (night.isoformat(), json.dumps(facts, sort_keys=True)))

    def last_nights(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """The last nights that were finished, newest first: ISO date and facts."""
        rows = self._read("SELECT night, facts FROM nights ORDER BY night DESC LIMIT ?", count)
        return [(str(night), _read_json(facts, f"night {night}")) for night, facts in rows]

    # Digests

    def file_digest(self, path: Path) -> str:
        """digest_file, remembered while size and modification time stay the same."""
        status = path.stat()
        for (digest,) in self._read(
                "SELECT digest FROM digests WHERE path=? AND bytes=? AND mtime_ns=?",
                str(path), status.st_size, status.st_mtime_ns):
            return str(digest)
        return digest_file(path)

    def remember_digests(self, digests: Mapping[Path, str]) -> None:
        """Keep what file_digest read, so that the next run need not read it again."""
        statuses = {path: path.stat() for path in digests if path.is_file()}
        rows = [(str(path), status.st_size, status.st_mtime_ns, digests[path]) for path, status in statuses.items()]
        with self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", rows)

    def _pause(self, name: str, until: datetime, problem: str, pauses: int) -> None:
        self._database.execute(
            "INSERT INTO sources (name, paused_until, problem, pauses) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "paused_until=excluded.paused_until, problem=excluded.problem, pauses=excluded.pauses",
            (name, _iso(until), problem, pauses))

    def _write(self, outcome: Outcome) -> None:
        self._database.execute(
            f"INSERT OR REPLACE INTO outcomes ({COLUMNS['outcomes']}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (outcome.video_id, outcome.outcome, outcome.step, outcome.code, outcome.problem, outcome.attempts, outcome.source,
             outcome.tried, outcome.rested_on, outcome.asked))

    def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing, also when we are killed in the middle."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:
                yield


def _open(path: Path) -> sqlite3.Connection:
    """The database at `path` in today's format, every page of it looked at."""
    database = sqlite3.connect(path, timeout=LOCKED_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        database.text_factory = lambda text: text.decode("utf-8", "replace")
        database.execute("PRAGMA journal_mode=WAL")
        faults = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if faults != "ok":
            error = sqlite3.DatabaseError(faults)
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        _migrate(database, path)
        for table, columns in COLUMNS.items():
            database.execute(f"SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608 - names of our own
    except BaseException:
        database.close()
        raise
    return database


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    def written_in() -> int:
        return int(database.execute("PRAGMA user_version").fetchone()[0])

    if written_in() > FORMAT:
        raise IntegrityError(f"{path}: written by a newer framewords", "use that one, or move the file away")
    if written_in() == FORMAT:
        return
    database.execute("BEGIN IMMEDIATE")
    with database:
        if written_in() < FORMAT:  # another process may have been faster
            for statement in f"{SCHEMA}{SINCE_FORMAT_1}".split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version={FORMAT}")


def _move_aside(path: Path) -> Path:
    """Put a damaged ledger, with what SQLite keeps beside it, out of the way."""
    number = next(number for number in range(1, 1_000_000) if not path.with_name(f"{path.name}.damaged-{number}").exists())
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.replace(path.with_name(f"{path.name}.damaged-{number}{suffix}"))
    return path.replace(path.with_name(f"{path.name}.damaged-{number}"))


def _attempts(before: Outcome | None, outcome: Outcome) -> int:
    if outcome.state == "labelled":
        return 0
    earlier = before.attempts if before else 0
    if outcome.state == "blocked":
        return earlier
    return earlier + 1 if before and before.state in (outcome.state, "blocked") else 1


def _outcome(row: tuple[Any, ...]) -> Outcome:
    facts = dict(zip(FIELDS, row, strict=True))
    return Outcome(**{**facts, "asked": bool(facts["asked"])})


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _moment(text: str) -> datetime:
    """A time as we wrote it; long ago when it cannot be read, so that what waits for it is due."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_json(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        log.warning("ledger: %s cannot be read, taken as empty", what)
        return {}
    return value


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""

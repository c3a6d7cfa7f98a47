"""The ledger adds up, knows what is due, survives damage and kills."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import IntegrityError, TransientError
from tasks.schema import Video
from tasks.storage.failures import CLASSES, FAILURES, Policy, next_try
from tasks.storage.ledger import Ledger, Outcome
from tests.storage.policies import NIGHT, PARAMS, POLICY, VERSIONS, listed, night, with_settings

OLD_TABLES = """
CREATE TABLE outcomes (
    video_id TEXT PRIMARY KEY, outcome TEXT NOT NULL, step TEXT NOT NULL, code TEXT NOT NULL, problem TEXT NOT NULL,
    attempts INTEGER NOT NULL, updated TEXT NOT NULL);
CREATE TABLE digests (
    path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL);
INSERT INTO outcomes VALUES ('a', 'labelled', '', '', '', 7, '2026-02-01 01:02:03');
INSERT INTO outcomes VALUES ('b', 'failed', '', 'transient', 'server said 503', 3, '2026-02-01 01:02:03');
INSERT INTO outcomes VALUES ('c', 'set_aside', '', 'no_audio', 'no sound', 2, '2026-02-01 01:02:03');
INSERT INTO digests VALUES ('/x', 1, 2, 'abc');
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as opened:
        yield opened


def failed(video_id: str, code: str) -> Outcome:
    return Outcome(video_id, "failed", "download", code, "why", source="kitchen")


def labelled(video_id: str, source: str = "kitchen") -> Outcome:
    return Outcome(video_id, "labelled", source=source)


def due(ledger: Ledger, videos: list[Video], now: datetime, policy: Policy = POLICY, again: tuple[str, ...] = ()) -> list[str]:
    return [video.id for video in ledger.due(videos, now, policy, again=again)]


# What is due

def test_new_videos_are_due_in_list_order_and_labelled_ones_only_when_asked_for(ledger: Ledger) -> None:
    videos = listed("c", "a", "b")
    ledger.record(labelled("a"), NIGHT, POLICY)
    assert due(ledger, videos, night(0)) == ["c", "b"]
    assert due(ledger, videos, night(0), again=("a",)) == ["c", "a", "b"]


def test_a_forgotten_video_is_never_due(ledger: Ledger) -> None:
    gone = [Video("a", "", state="forgotten")]
    ledger.record(failed("a", "transient"), NIGHT, POLICY)
    ledger.reset(["a"])
    assert due(ledger, gone, night(99), again=("a",)) == []


def test_a_passing_fault_backs_off_over_the_nights(ledger: Ledger) -> None:
    videos, tried = listed("a"), []
    for number in range(40):
        if due(ledger, videos, night(number)):
            ledger.record(failed("a", "transient"), night(number, hour=4), POLICY)
            tried.append(number)
    assert tried == [0, 1, 3, 7, 15, 31]


def test_labelling_again_what_is_labelled_counts_no_failure(ledger: Ledger) -> None:
    for number in range(5):
        ledger.record(labelled("a"), night(number), POLICY)
    assert ledger.outcomes()["a"].attempts == 0
    ledger.record(failed("a", "transient"), night(5), POLICY)
    assert ledger.outcomes()["a"].attempts == 1


def test_failures_of_another_class_count_from_the_start(ledger: Ledger) -> None:
    for number in range(3):
        ledger.record(failed("a", "private"), night(number), POLICY)
    ledger.record(failed("a", "transient"), night(4), POLICY)
    assert ledger.outcomes()["a"].attempts == 1


def test_a_block_does_not_count_up_and_keeps_the_count(ledger: Ledger) -> None:
    for code in ("transient", "transient", "blocked", "blocked", "blocked"):
        ledger.record(failed("a", code), NIGHT, POLICY)
    assert ledger.outcomes()["a"].attempts == 2
    ledger.record(failed("a", "transient"), NIGHT, POLICY)
    assert ledger.outcomes()["a"].attempts == 3


def test_a_verdict_falls_with_the_settings_it_rests_on(ledger: Ledger) -> None:
    videos = listed("a")
    ledger.record(failed("a", "too_long"), NIGHT, POLICY)
    longer = with_settings("download", max_duration_seconds=99_999.0)
    assert due(ledger, videos, night(500)) == []
    assert due(ledger, videos, NIGHT, longer) == ["a"]
    ledger.record(failed("a", "too_long"), night(1), longer)
    assert due(ledger, videos, night(500), longer) == []


# Sources that rest

def test_a_source_that_rests_keeps_its_queue(ledger: Ledger) -> None:
    videos = [*listed("a", "b"), *listed("c", source="garden")]
    ledger.record(failed("a", "blocked"), NIGHT, POLICY)
    until = ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
    assert until == NIGHT + timedelta(hours=6)
    assert ledger.paused(NIGHT) == {"kitchen": (until, "429")}
    assert due(ledger, videos, NIGHT) == ["c"]
    assert due(ledger, videos, until) == ["a", "b", "c"]
    assert ledger.paused(until) == {}


def test_a_host_may_rest_as_a_source_does(ledger: Ledger) -> None:
    ledger.pause_source("site.example", night(1), "429")
    elsewhere = Video("z", "http://other.example/z", "site.example.org")
    assert due(ledger, [*listed("a"), elsewhere], NIGHT) == ["z"]


def test_rests_double_in_a_row_and_the_blocks_of_one_moment_count_once(ledger: Ledger) -> None:
    ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
    assert ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY) == NIGHT + timedelta(hours=6)
    assert ledger.block_source("kitchen", "429", 0.0, night(1), POLICY) == night(1) + timedelta(hours=12)
    assert ledger.block_source("kitchen", "429", 90_000.0, night(2), POLICY) == night(2) + timedelta(seconds=90_000)


def test_a_source_that_gave_a_video_after_its_rest_starts_afresh(ledger: Ledger) -> None:
    ledger.record(labelled("old"), NIGHT, POLICY)
    ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
    ledger.record(labelled("in_flight"), NIGHT, POLICY)
    ledger.record(labelled("old"), night(1), POLICY)  # nothing was asked of the source for it
    assert due(ledger, listed("x"), NIGHT) == []
    assert ledger.block_source("kitchen", "429", 0.0, night(1), POLICY) == night(1) + timedelta(hours=12)
    ledger.record(labelled("new"), night(2), POLICY)
    assert ledger.block_source("kitchen", "429", 0.0, night(3), POLICY) == night(3) + timedelta(hours=6)


def test_a_block_long_after_the_last_rest_is_a_first_one(ledger: Ledger) -> None:
    ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
    assert ledger.block_source("kitchen", "429", 0.0, night(9), POLICY) == night(9) + timedelta(hours=6)


def test_night_after_night_of_blocks_rests_for_a_week_at_last(ledger: Ledger) -> None:
    """Nobody asks while it rests, and the first one who does is refused again."""
    asked = []
    for number in range(40):
        if not ledger.paused(night(number)):
            ledger.block_source("kitchen", "429", 0.0, night(number), POLICY)
            asked.append(number)
    assert asked == [0, 1, 2, 3, 5, 9, 16, 23, 30, 37]


def test_the_state_of_a_source_outlives_its_pauses(ledger: Ledger) -> None:
    assert ledger.source_state("kitchen") == {}
    ledger.keep_source("kitchen", {"etag": '"1"', "known": ["a", "b"]})
    ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
    assert ledger.source_state("kitchen") == {"etag": '"1"', "known": ["a", "b"]}


# Retry

def test_retry_takes_what_it_is_asked_for_and_nothing_else(ledger: Ledger) -> None:
    videos = listed("a", "b", "c", "d", "e")
    for video_id, code in (("a", "private"), ("b", "truncated"), ("c", "no_audio")):
        ledger.record(failed(video_id, code), NIGHT, POLICY)
    ledger.record(labelled("d"), NIGHT, POLICY)
    assert ledger.reset(["a", "d", "e", "unknown"]) == 1
    assert due(ledger, videos, NIGHT) == ["a", "e"]
    assert ledger.reset_class("unusable") == 2
    assert due(ledger, videos, NIGHT) == ["a", "b", "c", "e"]
    ledger.record(failed("b", "truncated"), NIGHT, POLICY)
    assert due(ledger, videos, NIGHT) == ["a", "c", "e"]


def test_retry_asks_a_resting_source_for_that_video_alone(ledger: Ledger) -> None:
    for video_id in ("a", "b"):
        ledger.record(failed(video_id, "blocked"), NIGHT, POLICY)
    ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
    ledger.reset(["b"])
    assert due(ledger, listed("a", "b", "c"), NIGHT) == ["b"]


def test_retry_of_what_is_blocked_ends_every_rest_and_of_another_class_none(ledger: Ledger) -> None:
    videos = listed("a", "b")
    ledger.record(failed("a", "private"), NIGHT, POLICY)
    ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
    assert ledger.reset_class("gone") == 1
    assert due(ledger, videos, NIGHT) == ["a"]
    assert ledger.reset_class("blocked") == 0
    assert due(ledger, videos, NIGHT) == ["a", "b"]


# Books

CODES = sorted(FAILURES)
IDS = [f"v{number}" for number in range(8)]
EVENTS = st.lists(st.one_of(
    st.tuples(st.just("record"), st.sampled_from(IDS), st.sampled_from([*CODES, "", "invented"])),
    st.tuples(st.just("reset"), st.sampled_from(IDS), st.just("")),
    st.tuples(st.just("forget"), st.sampled_from(IDS), st.just("")),
    st.tuples(st.just("block"), st.sampled_from(["kitchen", "garden"]), st.just(""))), max_size=30)


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.sets(st.sampled_from(IDS)))
def test_whatever_happens_the_counts_add_up_and_what_is_due_follows_the_policy(
        events: list[tuple[str, str, str]], forgotten: set[str]) -> None:
    """Against a second, simpler account of the same events, kept in dicts."""
    videos = [Video(video_id, f"http://h/{video_id}", ("kitchen", "garden")[place % 2],
                    state="forgotten" if video_id in forgotten else "listed") for place, video_id in enumerate(IDS)]
    codes: dict[str, str] = {}
    tried: dict[str, datetime] = {}
    asked: set[str] = set()
    rests: dict[str, datetime] = {}
    with tempfile.TemporaryDirectory() as folder, closing(Ledger(Path(folder) / "l.sqlite")) as ledger:
        for number, (event, name, code) in enumerate(events):
            now = night(number)
            if event == "record":
                source = next(video.source for video in videos if video.id == name)
                ledger.record(Outcome(name, "failed" if code else "labelled", code=code, source=source), now, POLICY)
                codes[name], tried[name] = code, now
                asked.discard(name)
            elif event == "reset":
                assert ledger.reset([name]) == (codes.get(name, "") != "")
                asked |= {name} if codes.get(name) else set()
            elif event == "forget":
                ledger.forget(name)
                codes.pop(name, None)
                asked.discard(name)
            else:
                rests[name] = ledger.block_source(name, "429", 0.0, now, POLICY)
        now = night(len(events))
        counts = ledger.counts(videos)
        attempts = {name: outcome.attempts for name, outcome in ledger.outcomes().items()}
        found = due(ledger, videos, now)

    assert sum(counts.states.values()) == counts.listed == len(videos)
    assert sum(sum(states.values()) for states in counts.sources.values()) == len(videos)
    assert counts.states.get("forgotten", 0) == len(forgotten)
    assert counts.states.get("waiting", 0) == len(set(IDS) - forgotten - codes.keys())
    assert all(sum(counts.codes.get(kind, {}).values()) == counts.states.get(kind, 0) for kind in CLASSES)

    def expected(video: Video) -> bool:
        if video.id in forgotten:
            return False
        if video.id in asked:
            return True
        if rests.get(video.source, NIGHT) > now:
            return False
        code = codes.get(video.id)
        if not code:
            return code is None
        after = next_try(code, attempts[video.id], tried[video.id], PARAMS.upkeep)
        return after is not None and after <= now

    assert found == [video.id for video in videos if expected(video)]


def test_counts_tell_sources_and_reasons(ledger: Ledger) -> None:
    videos = [*listed("a", "b", "c"), *listed("d", source="garden"), Video("e", "", state="forgotten")]
    ledger.record(labelled("a"), NIGHT, POLICY)
    ledger.record(failed("b", "no_audio"), NIGHT, POLICY)
    ledger.record(failed("gone_from_list", "no_audio"), NIGHT, POLICY)
    counts = ledger.counts(videos)
    assert counts.states == {"labelled": 1, "unusable": 1, "waiting": 2, "forgotten": 1}
    assert counts.sources == {
        "kitchen": {"labelled": 1, "unusable": 1, "waiting": 1}, "garden": {"waiting": 1}, "": {"forgotten": 1}}
    assert counts.codes == {"unusable": {"no_audio": 1}}


def test_what_the_artefacts_show_fills_an_empty_ledger_and_overrules_nothing(ledger: Ledger) -> None:
    ledger.record(failed("b", "private"), NIGHT, POLICY)
    assert ledger.adopt(["a", "b", "a"], NIGHT) == 1
    assert {name: outcome.state for name, outcome in ledger.outcomes().items()} == {"a": "labelled", "b": "gone"}


# Nights

def test_a_night_is_done_once_and_its_facts_are_kept(ledger: Ledger) -> None:
    assert not ledger.night_done(date(2026, 3, 1))
    ledger.record_night(date(2026, 3, 1), {"labelled": 3})
    ledger.record_night(date(2026, 3, 2), {"labelled": 1, "version": "dataset-2026-03-02.1"})
    assert ledger.night_done(date(2026, 3, 1))
    assert not ledger.night_done(date(2026, 3, 3))
    assert ledger.last_nights(1) == [("2026-03-02", {"labelled": 1, "version": "dataset-2026-03-02.1"})]
    assert len(ledger.last_nights(7)) == 2


# The file

def test_everything_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(Ledger(path)) as first:
        first.record(failed("a", "too_long"), NIGHT, POLICY)
        first.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
        before = first.outcomes(), first.paused(NIGHT)
    with closing(Ledger(path)) as second:
        assert (second.outcomes(), second.paused(NIGHT)) == before
        assert second.moved_aside is None


def test_a_ledger_of_an_older_version_opens_and_gives_everything_another_chance(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(OLD_TABLES)
    with closing(Ledger(path)) as ledger:
        outcomes = ledger.outcomes()
        assert {name: (outcome.state, outcome.attempts) for name, outcome in outcomes.items()} == {
            "a": ("labelled", 0), "b": ("transient", 1), "c": ("unusable", 1)}
        assert due(ledger, listed("a", "b", "c"), NIGHT) == ["b", "c"]
    with closing(Ledger(path)) as again:
        assert again.outcomes() == outcomes


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version=99")
    with pytest.raises(IntegrityError, match="newer"):
        Ledger(path)


def test_a_damaged_ledger_is_moved_aside_and_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ledger.sqlite"
    for number in (1, 2):
        noise = random.Random(number).randbytes(50_000)
        path.write_bytes(noise)
        with closing(Ledger(path)) as ledger:
            assert ledger.outcomes() == {}
            ledger.record(labelled("a"), NIGHT, POLICY)
            assert ledger.moved_aside == tmp_path / f"ledger.sqlite.damaged-{number}"
            assert ledger.moved_aside.read_bytes() == noise
    assert [record.getMessage().count("\n") for record in caplog.records] == [0, 0]


def test_whatever_bytes_are_altered_the_ledger_opens_and_adds_up(tmp_path: Path) -> None:
    videos = listed(*IDS)
    path = tmp_path / "good.sqlite"
    with closing(Ledger(path)) as ledger:
        for number, video_id in enumerate(IDS[:6]):
            ledger.record(failed(video_id, CODES[number * 5]), NIGHT, POLICY)
        ledger.block_source("kitchen", "429", 0.0, NIGHT, POLICY)
        ledger.keep_source("garden", {"known": IDS})
        ledger.record_night(NIGHT.date(), {"labelled": 1})
    whole, draw = path.read_bytes(), random.Random(0)
    written = [place for place in range(len(whole)) if whole[place]]
    for case in range(60):
        torn = bytearray(whole)
        for place in draw.sample(written, 1 + case % 8):
            torn[place] ^= 1 << draw.randrange(8)
        altered = tmp_path / f"{case}.sqlite"
        altered.write_bytes(torn)
        try:
            ledger = Ledger(altered)
        except IntegrityError:  # the altered byte was the version of the format
            continue
        with closing(ledger):
            assert sum(ledger.counts(videos).states.values()) == len(videos)
            ledger.due(videos, NIGHT, POLICY)
            ledger.source_state("garden")
            ledger.last_nights(3)
            ledger.record(failed("v0", "transient"), NIGHT, POLICY)


def test_a_folder_in_the_place_of_the_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(TransientError, match="cannot be opened"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_kill_in_the_middle_leaves_whole_rows_only(tmp_path: Path) -> None:
    program = (
        "import itertools, sys\nfrom pathlib import Path\nfrom tasks.storage.ledger import Ledger, Outcome\n"
        "from tests.storage.policies import NIGHT, POLICY\nledger = Ledger(Path(sys.argv[1]))\n"
        "for number in itertools.count():\n"
        "    ledger.record(Outcome(f'v{number}', 'failed', code='transient'), NIGHT, POLICY)\n"
        "    print(number, flush=True)\n")
    path = tmp_path / "ledger.sqlite"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(50)]
        os.kill(writer.pid, signal.SIGKILL)
    with closing(Ledger(path)) as ledger:
        assert ledger.moved_aside is None
        outcomes = ledger.outcomes()
    assert len(outcomes) > told[-1]
    assert {outcome.attempts for outcome in outcomes.values()} == {1}
    assert all(outcome.tried == datetime(2026, 3, 1, 3, tzinfo=UTC).isoformat() for outcome in outcomes.values())


def test_digests_are_remembered_while_the_file_stays_the_same(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    ledger.remember_digests({path: "remembered"})
    assert ledger.file_digest(path) == "remembered"
    path.write_bytes(b"other")
    assert ledger.file_digest(path) != "remembered"


def test_times_are_kept_in_utc(ledger: Ledger) -> None:
    from zoneinfo import ZoneInfo

    ledger.record(failed("a", "transient"), NIGHT.astimezone(ZoneInfo("Asia/Kolkata")), Policy(PARAMS, VERSIONS))
    assert ledger.outcomes()["a"].tried == "2026-03-01T03:00:00+00:00"

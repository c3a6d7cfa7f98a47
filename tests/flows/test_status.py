"""`framewords status`, read as a person reads it."""

import io
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from rich.console import Console

from flows.policy import policy_of
from flows.status import print_status
from tasks.discovery.catalogue import append_videos
from tasks.schema import Video
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger, Outcome
from tests.storage.policies import NIGHT, PARAMS, listed, night

POLICY = policy_of(PARAMS)
Shown = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def show(data: DataFolder) -> Shown:
    def shown(now: datetime = NIGHT, width: int = 99) -> str:
        text = io.StringIO()
        print_status(data, PARAMS, Console(file=text, width=width), now)
        return text.getvalue()
    return shown


def sums(text: str) -> tuple[dict[str, int], int]:
    """The rows of the first table, and its last line."""
    rows = [(name, int(number.replace(",", ""))) for number, name in re.findall(r"^ *([\d,]+)  (\w+)", text, re.MULTILINE)]
    total = next(place for place, (name, _) in enumerate(rows) if name == "listed")
    return dict(rows[:total]), rows[total][1]


def test_every_video_is_in_one_row_and_the_rows_add_up(data: DataFolder, show: Shown) -> None:
    videos = [*listed(*"abcdefghij"), *listed("k", "l", source="garden")]
    append_videos(data.catalogue, [*videos, Video("m", "", state="forgotten")])
    codes = {"b": "transient", "c": "incomplete", "d": "blocked", "e": "private", "f": "too_long", "g": "no_audio", "k": "geo"}
    with closing(Ledger(data.ledger)) as ledger:
        ledger.record(Outcome("a", "labelled", source="kitchen"), NIGHT, POLICY)
        for name, code in codes.items():
            ledger.record(Outcome(name, "failed", code=code, problem="said so", source="kitchen"), NIGHT, POLICY)
    text = show()
    assert sums(text) == ({"labelled": 1, "waiting": 4, "transient": 2, "blocked": 1, "gone": 2, "filtered": 1, "unusable": 1,
                           "forgotten": 1}, 13)
    assert "(1 geo, 1 private)" in text
    assert re.search(r"^kitchen +10 +1 +3  2 transient, 1 blocked, 1 filtered, 1 gone, 1 unusable *$", text, re.MULTILINE)
    assert re.search(r"^garden +2 +0 +1  1 gone *$", text, re.MULTILINE)
    assert "next round: 5 due (4 waiting, 1 blocked)" in text
    assert "--class CLASS: 2 gone, 2 transient, 1 blocked, 1 filtered, 1 unusable" in text


def test_what_rests_and_until_when_is_told(data: DataFolder, show: Shown) -> None:
    append_videos(data.catalogue, listed("a"))
    with closing(Ledger(data.ledger)) as ledger:
        ledger.record(Outcome("a", "failed", code="blocked", problem="429", source="kitchen"), NIGHT, POLICY)
        ledger.block_source("kitchen", "HTTP Error 429: Too Many Requests", 0.0, NIGHT, POLICY)
    text = show()
    assert re.search(r"kitchen  2026-03-01 09:00 UTC  6 h  HTTP Error 429: Too Many Requests", text)
    assert re.search(r"^a +after the rest  blocked: 429", text, re.MULTILINE)
    assert "next round: 0 due\n" in text
    assert "Resting" not in show(night(1))


def test_when_each_video_is_tried_again_is_told(data: DataFolder, show: Shown) -> None:
    append_videos(data.catalogue, listed("a", "b", "c"))
    with closing(Ledger(data.ledger)) as ledger:
        for name, code in (("a", "private"), ("b", "no_audio"), ("c", "private")):
            ledger.record(Outcome(name, "set_aside", code=code, problem=f"{name}: so", source="kitchen"), NIGHT, POLICY)
        ledger.reset(["c"])
    text = show()
    assert re.search(r"^a +2026-03-30  private: so", text, re.MULTILINE)
    assert re.search(r"^b +on change +no audio: so", text, re.MULTILINE)
    assert re.search(r"^c +next round  private: so", text, re.MULTILINE)


def test_the_last_nights_are_told(data: DataFolder, show: Shown) -> None:
    append_videos(data.catalogue, listed("a"))
    with closing(Ledger(data.ledger)) as ledger:
        for day in range(1, 10):
            ledger.record_night(date(2026, 2, day), {
                "found": day, "failed": 0, "requests": 14, "seconds": 812, "version": f"dataset-2026-02-0{day}.1"})
    text = show()
    assert re.search(r"^2026-02-09  dataset-2026-02-09.1  0:13:32  9 found, 14 requests *$", text, re.MULTILINE)
    assert len(re.findall(r"^2026-02-0\d ", text, re.MULTILINE)) == 7


@pytest.mark.parametrize("width", [80, 99])
def test_no_table_is_wider_than_the_terminal_and_nothing_in_it_can_steer_one(
        data: DataFolder, show: Shown, width: int) -> None:
    hostile = "\x1b[2J[bold]x[/]" * 20
    videos = [replace(video, source=hostile, title=hostile) for video in listed(*(f"youtube_{n:011d}" for n in range(30)))]
    append_videos(data.catalogue, [*videos, *listed("other")])
    with closing(Ledger(data.ledger)) as ledger:
        for video in videos[:25]:
            ledger.record(Outcome(video.id, "failed", code="transient", problem=hostile, source=hostile), NIGHT, POLICY)
        ledger.block_source(hostile, hostile, 0.0, NIGHT, POLICY)
        ledger.record_night(date(2026, 2, 1), {"found": hostile, "version": hostile})
    text = show(width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "Set aside, the latest 10 of 25" in text


def test_without_a_ledger_everything_waits_and_without_a_list_it_says_what_to_do(data: DataFolder, show: Shown) -> None:
    assert "no videos are listed" in show()
    append_videos(data.catalogue, listed("a", "b"))
    text = show()
    assert sums(text) == ({"labelled": 0, "waiting": 2}, 2)
    assert "next round: 2 due (2 waiting)" in text
    assert not data.ledger.exists()


def test_a_damaged_ledger_is_told_in_a_line(data: DataFolder, show: Shown) -> None:
    append_videos(data.catalogue, listed("a"))
    data.ledger.write_bytes(b"\xff" * 5000)
    assert "the ledger was damaged and is now ledger.sqlite.damaged-1" in show()

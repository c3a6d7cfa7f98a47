"""The list of videos: any text survives, rows are only added."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.errors import InputError
from tasks.schema import Video

HEADER = "id,url,source,title,channel,uploaded,licence,first_seen,state"
TITLES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.tuples(TITLES, TITLES), max_size=5))
def test_any_title_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("list") / "videos.csv"
    videos = [
        Video(f"site_{n}", f"https://h/{n}", title=title, channel=channel, first_seen="2026-11-20")
        for n, (title, channel) in enumerate(texts)]
    assert append_videos(path, videos) == videos
    assert read_catalogue(path) == videos


def test_only_new_videos_are_added_at_the_end_with_the_date_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "videos.csv"
    append_videos(path, [Video("b_1", "https://h/1", title='say "a, b"'), Video("a_2", "https://h/2")], "2026-11-20")
    before = path.read_bytes()
    added = append_videos(path, [Video("a_2", "https://other"), Video("a_1", "https://h/3")], "2026-11-21")
    assert [(video.id, video.first_seen) for video in added] == [("a_1", "2026-11-21")]
    assert path.read_bytes().startswith(before)
    assert [video.id for video in read_catalogue(path)] == ["b_1", "a_2", "a_1"]


def test_nothing_new_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "videos.csv"
    append_videos(path, [])
    assert not path.exists()
    append_videos(path, [Video("a_1", "https://h/1")], "2026-11-20")
    inode = path.stat().st_ino
    append_videos(path, [Video("a_1", "https://h/1")], "2026-11-21")
    assert path.stat().st_ino == inode


def test_the_first_lines_are_plain_csv(tmp_path: Path) -> None:
    path = tmp_path / "videos.csv"
    append_videos(path, [Video("a_1", "https://h/1", "list", "One, two", "Ann", "2026-01-02", "CC-BY", "2026-11-20")])
    assert path.read_bytes() == (
        b"id,url,source,title,channel,uploaded,licence,first_seen,state\n"
        b'a_1,https://h/1,list,"One, two",Ann,2026-01-02,CC-BY,2026-11-20,listed\n')


@pytest.mark.parametrize(("text", "problem"), [
    ("", "not a list of videos"), ("id,url\na,b\n", "not a list of videos"),
    (f"{HEADER}\na_1,u,,,,,,,\n../x,u,,,,,,,\n", "line 3: invalid video id"),
    (f"{HEADER}\na_1,u,,,,,,,\na_1,u,,,,,,,\n", "line 3: a_1 is listed twice"),
    (f"{HEADER}\na_1,u\n", "line 2: not 9 columns")])
def test_a_damaged_list_names_its_first_bad_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "videos.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        read_catalogue(path)
    with pytest.raises(InputError, match=problem):
        append_videos(path, [Video("b_1", "https://h/1")])
    assert path.read_text() == text

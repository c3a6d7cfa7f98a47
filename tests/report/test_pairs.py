"""The picture of words that go together."""

from pathlib import Path
from typing import Any

from tasks.report.page import write_report
from tasks.report.pairs import LEFT, RIGHT, draw_pairs
from tasks.schema import Video
from tests.report.conftest import Story, write_data


def pair(
    first: str, second: str, kinds: tuple[str | None, str | None] = (None, None), significant: bool = True,
) -> dict[str, Any]:
    return {"first": first, "second": second, "first_kind": kinds[0], "second_kind": kinds[1], "npmi": 0.5,
            "significant": significant}


def test_what_is_done_stands_left_of_what_it_is_done_to() -> None:
    view = draw_pairs([pair("cut", "knife", ("verb", "noun")), pair("cheese", "grate", ("noun", "verb"))], 10)
    assert {word for word, _ in view.left} == {"cut", "grate"}
    assert {word for word, _ in view.right} == {"knife", "cheese"}
    heights = dict(view.left) | dict(view.right)
    assert view.lines[0][0].startswith(f"M{LEFT + 8:.1f} {heights['cut']:.1f}C")
    assert view.lines[0][0].endswith(f" {RIGHT - 8:.1f} {heights['knife']:.1f}")


def test_a_word_with_many_partners_is_written_once() -> None:
    view = draw_pairs([pair("cut", word) for word in ("knife", "onion", "bread")], 10)
    assert [word for word, _ in view.left] == ["cut"]
    assert len(view.right) == 3


def test_only_sure_pairs_are_drawn_and_the_rest_counted() -> None:
    view = draw_pairs([pair("a", "b"), pair("c", "d"), pair("e", "f", significant=False)], 1)
    assert (len(view.lines), len(view.table), view.pairs) == (1, 1, 2)


def test_pairs_said_together_in_several_videos_reach_the_page(tmp_path: Path) -> None:
    # In each video: twice cut with knife, twice boat with river, each pair in a segment of its own (5 s apart).
    words = [(word, 5.0 * place + offset, None) for place, said in enumerate([("cut", "knife"), ("boat", "river")] * 2)
             for offset, word in enumerate(said)]
    stories = [Story(Video(f"file_{number}", "/x"), 1, words=words) for number in range(6)]
    write_report(write_data(tmp_path, stories), tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Words that go together" in html
    assert "<bdi>cut</bdi> · <bdi>knife</bdi>" in html
    assert "<bdi>cut</bdi> · <bdi>river</bdi>" not in html

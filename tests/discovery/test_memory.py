"""When a source is listed further than its overlap, and when what waits is due."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.discovery.entries import Entry, name_key, without_tracking
from tasks.discovery.memory import Aside, Memory, Waiting, memory_from, next_night, relist_due
from tasks.params import DiscoveryParams

FIRST = date(2026, 1, 1)


def deep_nights(params: DiscoveryParams, name: str, cost: int, nights: int) -> list[int]:
    memory, deep = Memory(listed=FIRST.isoformat(), cost=cost), []
    for night in range(1, nights + 1):
        today = FIRST + timedelta(days=night)
        if relist_due(memory, name, params, today):
            memory.listed = today.isoformat()
            deep.append(night)
    return deep


def test_deep_listings_cost_less_than_a_tenth_of_a_request_a_night(params: DiscoveryParams) -> None:
    for cost in (1, 2, 3, 5, 12, 40):
        assert cost * len(deep_nights(params, "kitchen", cost, 3650)) / 3650 <= 0.1
    assert len(deep_nights(params, "kitchen", 2, 3650)) in (121, 122)  # every 30 nights, where that is cheap enough


def test_sources_have_different_nights_for_it(params: DiscoveryParams) -> None:
    firsts = [deep_nights(params, f"source {number}", 1, 30)[0] for number in range(300)]
    assert max(map(firsts.count, range(1, 31))) <= 25  # of 300 over 30 nights, 10 on each are expected


def test_a_night_that_was_slept_through_is_made_up_for(params: DiscoveryParams) -> None:
    due = deep_nights(params, "kitchen", 1, 30)[0]
    memory = Memory(listed=FIRST.isoformat(), cost=1)
    assert relist_due(memory, "kitchen", params, FIRST + timedelta(days=due + 7))


def test_what_waits_is_tried_ever_more_rarely() -> None:
    assert [(date.fromisoformat(next_night(FIRST, tries)) - FIRST).days for tries in range(1, 8)] == [1, 2, 4, 8, 16, 16, 16]


def test_a_state_survives_as_json_and_one_of_another_address_does_not() -> None:
    memory = Memory(about="auto https://h/", seen={"b", "a"}, feed="f", cost=3)
    entry = Entry("https://h/1", "youtube_1", {"title": "x"}, "https://h/p", "g", "5")
    memory.keep_waiting(Waiting(entry, "2026-01-02", 2, 1, "unreachable", "503"))
    memory.keep_aside(Aside(entry, "filtered_title", "no", {"id": "youtube_1", "url": "u"}, {"title": "x"}))
    assert memory_from(memory.as_json(), "auto https://h/") == memory
    assert memory_from(memory.as_json(), "auto https://other/") == Memory(about="auto https://other/")
    assert memory_from({}, "x") == Memory(about="x")


def test_an_entry_is_known_under_any_of_its_names() -> None:
    memory = Memory()
    memory.keep_seen(Entry("https://h/1.mp4", page="https://h/1.html", guid="g1"))
    assert memory.knows(Entry("https://h/1.mp4?utm_source=x"), ())
    assert memory.knows(Entry("http://x/", page="https://H:443/1.html"), ())
    assert memory.knows(Entry("http://y/", guid="g1"), ())
    assert not memory.knows(Entry("https://h/2.mp4", guid="g2"), ())
    assert memory.knows(Entry("https://h/2.mp4", "youtube_2"), {"youtube_2"})


def test_a_file_that_was_written_to_is_another_entry() -> None:
    memory = Memory()
    memory.keep_seen(Entry("/v/a.mp4", version="10:1"))
    assert memory.knows(Entry("/v/a.mp4", version="10:1"), ())
    assert not memory.knows(Entry("/v/a.mp4", version="11:2"), ())


@given(st.sampled_from(["https://h/v", "https://h/v?a=1", "https://h/v?a=1&b=2"]),
       st.lists(st.sampled_from(["utm_source=x", "UTM_medium=y", "fbclid=1", "gclid="]), max_size=3),
       st.sampled_from(["", "#t=3"]))
def test_what_advertisers_add_to_an_address_changes_nothing(url: str, added: list[str], fragment: str) -> None:
    joined = url + ("&" if "?" in url else "?") + "&".join(added) if added else url
    assert without_tracking(joined) == url
    assert name_key(joined + fragment) == name_key(url)

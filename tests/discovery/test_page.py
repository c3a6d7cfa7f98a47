"""What a listing page names: its videos, the next page, its feed; from hostile pages no harm."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.discovery.page import parse_page

AT = "https://h.example/kitchen/"


def addresses(page: str) -> list[str]:
    return [entry.address for entry in parse_page(page.encode(), AT).entries]


def test_links_of_the_main_part_are_taken_each_once_and_what_stands_beside_it_is_not() -> None:
    page = parse_page(b"""<html><head><title>Kitchen &amp; co</title>
        <link rel="alternate" type="application/rss+xml" href="feed.xml"><link rel="alternate" type="text/html" href="/de/">
        </head>
        <body><nav><a href="/nav.html">n</a></nav><a href="/out.html">o</a>
        <main><a href="1.html">1</a><a href="/watch?v=2#t=3">2</a><a href="1.html#again">1</a><a href="https://other.example/3">3</a>
        <a href="style.css">s</a><a href="javascript:x()">j</a><a rel="nofollow" href="4.html">4</a><a href="./">here</a></main>
        <a rel="next" href="?page=2">more</a></body></html>""", AT)
    assert [entry.address for entry in page.entries] == ["https://h.example/kitchen/1.html", "https://h.example/watch?v=2"]
    assert (page.title, page.feed, page.following) == (
        "Kitchen & co", "https://h.example/kitchen/feed.xml", "https://h.example/kitchen/?page=2")


def test_without_a_main_part_all_links_count() -> None:
    assert addresses('<ul><li><a href="1.html">1</a></ul><footer><a href="imprint.html">i</a></footer>') == [
        "https://h.example/kitchen/1.html"]


def test_linked_data_says_better_than_links_what_is_listed() -> None:
    page = """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [{"@type": "ItemList",
        "itemListElement": [{"@type": "ListItem", "position": 1, "url": "/1"}, {"@type": "ListItem", "item": {
        "@type": "VideoObject", "url": "https://h.example/2", "name": "Two"}}, {"@type": "ListItem"}]}]}</script>
        <a href="/about">about</a>"""
    one, two = parse_page(page.encode(), AT).entries
    assert (one.address, one.facts) == ("https://h.example/1", {})
    assert (two.address, two.facts) == ("https://h.example/2", {"title": "Two"})


def test_broken_linked_data_is_left_out() -> None:
    page = '<script type="application/ld+json">{"@type": "ItemList", "itemListEl</script>'
    nested = '<script type="application/ld+json">' + "[" * 5_000 + "]" * 5_000 + "</script>"
    assert addresses(f'{page}{nested}<a href="1.html">1</a>') == ["https://h.example/kitchen/1.html"]


@given(st.lists(st.sampled_from(
    ["<a href='", "'>", "<main>", "</nav>", "<script type='application/ld+json'>", '{"@type":"ItemList"', "</script>", "<!--",
     "http://[", "\x00", "&#xfffff;", "</html>"]), max_size=30).map("".join))
def test_any_page_can_be_read(page: str) -> None:
    assert all(address.startswith("http") for address in addresses(page))

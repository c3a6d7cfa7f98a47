"""Feeds are read for what they say, and never trusted."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.discovery.feed import known_feed, parse_feed
from tasks.errors import InputError, TransientError, WorkflowError

AT = "https://h.example/feed.xml"
RSS = """<?xml version="1.0" encoding="{encoding}"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:cc="http://creativecommons.org/ns#"><channel><title>Küche</title><language>en-gb</language>
<item><title>Onions &amp; knives</title><link>/1.html</link><guid>g1</guid><author>Ann</author>
<pubDate>Thu, 08 Jan 2026 18:39:03 +0100</pubDate><enclosure url="1.mp4" type="video/mp4"/>
<itunes:duration>1:02:03</itunes:duration>
<cc:license>CC BY</cc:license><media:community><media:statistics views="12"/></media:community></item>
<item><title>two</title>
<media:group><media:content url="https://m.example/2.mp4" medium="video" duration="61.5"/></media:group></item>
<item><title>three</title><link>https://h.example/3</link></item>
<item><title>sound only</title><enclosure url="4.mp3" type="audio/mpeg"/></item>
</channel></rss>"""
YOUTUBE = """<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns="http://www.w3.org/2005/Atom"><title>Kitchen</title><entry><id>yt:video:abcdefghijk</id><yt:videoId>abcdefghijk</yt:videoId>
<title>Cut</title><link rel="alternate" href="https://www.youtube.com/shorts/abcdefghijk"/><author><name>Kitchen TV</name>
<uri>https://www.youtube.com/channel/x</uri></author><published>2026-01-08T18:39:03+00:00</published>
<updated>2026-02-01T00:00:00+00:00</updated><media:group><media:title>inner</media:title>
<media:community><media:statistics views="345"/></media:community></media:group></entry></feed>"""


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "utf-16"])
def test_an_rss_item_says_where_its_media_is_and_what_it_is(encoding: str) -> None:
    feed = parse_feed(RSS.format(encoding=encoding).encode(encoding), AT)
    one, two, three = feed.entries
    assert feed.title == "Küche"
    assert (one.address, one.page, one.guid) == ("https://h.example/1.mp4", "https://h.example/1.html", "g1")
    assert one.facts == {
        "title": "Onions & knives", "channel": "Ann", "language": "en-gb", "timestamp": 1767893943, "duration": 3723.0,
        "license": "CC BY", "view_count": 12}
    assert (two.address, two.facts["duration"]) == ("https://m.example/2.mp4", 61.5)
    assert (three.address, three.page) == ("https://h.example/3", "")


def test_an_atom_entry_of_a_known_site_has_its_id_without_being_asked() -> None:
    (entry,) = parse_feed(YOUTUBE.encode(), AT).entries
    assert (entry.id, entry.address) == ("youtube_abcdefghijk", "https://www.youtube.com/watch?v=abcdefghijk")
    assert entry.facts == {"title": "Cut", "channel": "Kitchen TV", "timestamp": 1767897543, "view_count": 345}


def test_a_guid_given_to_two_items_names_neither() -> None:
    items = "".join(f"<item><link>/{n}</link><guid>same</guid></item>" for n in (1, 2))
    entries = parse_feed(f"<rss><channel>{items}</channel></rss>".encode(), AT).entries
    assert [entry.guid for entry in entries] == ["", ""]
    assert not set(entries[0].keys) & set(entries[1].keys)


BOMB = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "{}">]><rss><channel><title>&b;</title></channel></rss>'.format("&a;" * 50)


@pytest.mark.parametrize(("body", "said"), [
    ("<!doctype html><html><head></head></html>", "feed is HTML"),
    ("\n<HTML lang='en'><body>", "feed is HTML"),
    (BOMB, "feed declares entities"),
    ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel/></rss>', "feed declares entities"),
    ("<rss><channel></rss>", "not a feed"),
    ("<opml><body/></opml>", "not a feed"),
    ('{"version": "https://jsonfeed.org"}', "not a feed"),
    ('<?xml version="1.0" encoding="x-nobody"?><rss/>', "not a feed"),
    ("<rss><channel>" + "<a>" * 40 + "</a>" * 40 + "</channel></rss>", "nested too deeply"),
])
def test_what_is_no_feed_is_refused_in_one_line(body: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse_feed(body.encode(), AT)
    assert "\n" not in str(caught.value)


def test_a_feed_too_large_is_refused() -> None:
    with pytest.raises(InputError, match="too large"):
        parse_feed(b"<rss>" + b" " * (11 << 20), AT)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_feed_cut_short_is_worth_another_try(share: float) -> None:
    body = RSS.format(encoding="utf-8").encode()
    with pytest.raises(TransientError, match="cut short"):
        parse_feed(body[:int(share * len(body))], AT)


@given(st.integers(0, len(RSS)), st.binary(max_size=20))
def test_a_damaged_feed_gives_entries_or_one_of_our_errors(at: int, damage: bytes) -> None:
    body = RSS.format(encoding="utf-8").encode()
    with contextlib.suppress(WorkflowError):
        feed = parse_feed(body[:at] + damage + body[at + len(damage):], AT)
        assert all(entry.address for entry in feed.entries)


@pytest.mark.parametrize(("url", "feed"), [
    ("https://www.youtube.com/channel/UC0123456789012345678901", "channel_id=UC0123456789012345678901"),
    ("https://m.youtube.com/channel/UC0123456789012345678901/", "channel_id=UC0123456789012345678901"),
    ("https://www.youtube.com/playlist?list=PLabc", "playlist_id=PLabc"),
    ("https://www.youtube.com/channel/UC0123456789012345678901/videos", ""),  # that feed has shorts and streams too
    ("https://www.youtube.com/@kitchen", ""),
    ("https://youtube.com.evil.example/channel/UC0123456789012345678901", ""),
])
def test_the_feed_of_a_known_site_needs_no_request(url: str, feed: str) -> None:
    assert known_feed(url) == (feed and f"https://www.youtube.com/feeds/videos.xml?{feed}")

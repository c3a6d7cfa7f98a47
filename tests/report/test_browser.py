"""The page as it is seen: in a browser, at desk and phone width, light and dark."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tasks.report.page import write_report
from tasks.report.timeline import ROW_WIDTH, WIDTH
from tasks.storage.ledger import Ledger, Outcome
from tests.report.conftest import DOG_AND_CUP, EVERY_SECONDS, TREE, Story, write_data
from tests.storage.policies import NIGHT, POLICY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PX_PER_SECOND = ROW_WIDTH / (6 * EVERY_SECONDS)  # DOG_AND_CUP is one row of 24 s
HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{ 7*7 }}</title></style>\u202e"""
SHOWN = HOSTILE.replace("\u202e", "")

# Every text that is seen, with its contrast against what lies behind it (WCAG 2.2, relative luminance).
CONTRASTS = """() => {
  const channels = text => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    const scale = text.startsWith('color') ? 1 : 255;
    return {rgb: numbers.slice(0, 3).map(n => n / scale), alpha: numbers[3] ?? 1};
  };
  const luminance = rgb => rgb.map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const found = channels(getComputedStyle(node).backgroundColor);
      if (found.alpha > 0) return found.rgb;
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const worst = [];
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.tagName === 'title') continue;
    const style = getComputedStyle(node);
    const front = luminance(channels(node.ownerSVGElement ? style.fill : style.color).rgb), back = luminance(behind(node));
    worst.push([(Math.max(front, back) + .05) / (Math.min(front, back) + .05), walker.currentNode.data.trim()]);
  }
  return worst;
}"""


def look(browser: "Browser", report: Path, **context: Any) -> "tuple[Page, list[str]]":
    """The opened page, and everything it did that a still page does not do."""
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}).new_page()
    events: list[str] = []
    page.on("dialog", lambda dialog: events.append(f"dialog {dialog.message}"))
    page.on("console", lambda message: events.append(f"console {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error {error}"))
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:")) else events.append(request.url))
    page.goto(report.as_uri())
    return page, events


@pytest.fixture
def report(data: Path) -> Path:
    write_report(data, data / "report.html")
    return data / "report.html"


def test_hostile_words_are_shown_and_never_obeyed(browser: "Browser", tmp_path: Path) -> None:
    video = replace(
        DOG_AND_CUP.video, title=HOSTILE, channel=HOSTILE, licence=HOSTILE, uploaded=HOSTILE, url=f"https://x/{HOSTILE}")
    story = replace(
        DOG_AND_CUP, video=video, engine=HOSTILE, model=HOSTILE, reason=HOSTILE,
        words=[(HOSTILE, 1.0, None), (HOSTILE, 2.0, "filler")], labels={0: [(HOSTILE, 0.9, 0)]})
    other = replace(TREE.video, id="file_cc", title=HOSTILE, url="javascript:alert(3)")
    data = write_data(tmp_path, [story, replace(TREE, video=replace(TREE.video, url="javascript:alert(4)"))], [other])
    ledger = Ledger(data / "ledger.sqlite")
    ledger.record(Outcome("file_cc", "failed", HOSTILE, HOSTILE, HOSTILE), NIGHT, POLICY)
    ledger.close()
    write_report(data, data / "report.html")
    page, events = look(browser, data / "report.html")
    assert events == []
    assert page.locator("h3").first.inner_text() == SHOWN
    assert page.locator("script, img[src=x], [onerror], a[href^=javascript]").count() == 0
    assert page.locator(".sheet img").first.get_attribute("alt") == SHOWN


def test_every_kept_frame_is_seen_with_its_labels(browser: "Browser", report: Path) -> None:
    page, events = look(browser, report)
    assert events == []
    article = page.locator(f"#v-{DOG_AND_CUP.video.id}")
    assert [img.get_attribute("alt") for img in article.locator(".sheet img").all()] == ["dog", "cup, dog", "no label"]
    chips = article.locator(".sheet .chip").all_inner_texts()
    assert [re.sub(r"\s+", " ", chip) for chip in chips] == ["dog 90%", "cup 75%", "dog 20%"]
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    reasons = article.locator(".dropped:not(.continued) .why").all_text_contents()
    assert reasons == ["duplicate of 0:00", "black", "duplicate of 0:12"]


def test_words_and_pictures_stand_at_their_times(browser: "Browser", report: Path) -> None:
    page, _ = look(browser, report)
    svg = page.locator(f"#v-{DOG_AND_CUP.video.id} svg")
    left, scale = svg.evaluate("svg => [svg.getBoundingClientRect().left, svg.getBoundingClientRect().width]")
    scale /= WIDTH
    boxes = svg.evaluate("""svg => [...svg.querySelectorAll('.key, .word')].map(
        word => [word.lastChild.data, word.getBoundingClientRect().left, word.getBoundingClientRect().top])""")
    seen = sorted((text, round((x - left) / scale / PX_PER_SECOND, 1)) for text, x, _ in boxes)
    expected = sorted((word, start) for word, start, _ in DOG_AND_CUP.words)
    assert [word for word, _ in seen] == [word for word, _ in expected]
    assert [time for _, time in seen] == pytest.approx([time for _, time in expected], abs=0.11)  # 0.1 s is 5 px: the halo
    pictures = svg.evaluate("""svg => [...svg.querySelectorAll('g.kept:not(.continued) use')].map(
        use => use.getBoundingClientRect().left)""")
    times = [(x - left) / scale / PX_PER_SECOND for x in pictures]
    assert times == pytest.approx([0, 3 * EVERY_SECONDS, 4 * EVERY_SECONDS], abs=0.02)


def test_each_key_word_is_joined_to_the_bar_under_its_picture(browser: "Browser", report: Path) -> None:
    page, _ = look(browser, report)
    ends = page.locator(f"#v-{DOG_AND_CUP.video.id} svg").evaluate("""svg => [...svg.querySelectorAll('.line')].map(line => {
        const end = line.getPointAtLength(line.getTotalLength());
        return [end.x, end.y]; })""")
    # dog at 1 s: frame 0, 0 to 4 s; cup at 13.25 s: frame 3, 12 to 16 s; dog at 21.5 s: frame 3, seen again at 20 s.
    assert [int(x / PX_PER_SECOND // EVERY_SECONDS * EVERY_SECONDS) for x, _ in ends] == [0, 12, 20]


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_of_the_page(browser: "Browser", report: Path, width: int) -> None:
    page, _ = look(browser, report, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_legible(browser: "Browser", tmp_path: Path, scheme: str) -> None:
    weights = [Story(replace(TREE.video, id=f"file_{n}"), 1, {}, TREE.words, {0: [("tree", n / 10, 0)]}) for n in range(1, 11)]
    data = write_data(tmp_path, [DOG_AND_CUP, *weights], [replace(TREE.video, id="file_lost")])
    ledger = Ledger(data / "ledger.sqlite")
    ledger.record(Outcome("file_lost", "labelled"), NIGHT, POLICY)  # so that the loud mark is looked at, too
    ledger.close()
    write_report(data, data / "report.html")
    page, _ = look(browser, data / "report.html", color_scheme=scheme)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    assert [text for contrast, text in contrasts if contrast < 4.5] == []  # WCAG 2.2 AA


def test_headings_are_in_order_and_every_picture_has_words(browser: "Browser", report: Path) -> None:
    page, _ = look(browser, report)
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("img:not([alt]), img[alt=''], svg:not([aria-label])").count() == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(node => node.id)")
    assert len(ids) == len(set(ids))

"""The report: one HTML file that shows what is in the data folder, as pictures. No network, no script, no wall clock."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.discovery.catalogue import read_catalogue
from tasks.report import pairs, timeline, views
from tasks.report.survey import survey
from tasks.report.wording import cap, clock, percent, visible
from tasks.storage.atomic import staged_file
from tasks.storage.layout import DataFolder

if TYPE_CHECKING:
    import jinja2

VIDEOS_IN_FULL = 24  # with the caps in views.py this keeps the page below 20 MB
ROWS_IN_TABLE, FAULTS_SHOWN = 500, 20


@dataclass(frozen=True)
class ReportSummary:
    """What the page says, for those who do not look at it.

    faults: what does not balance, one line each; empty when everything does.
    """

    videos: int
    labelled: int
    videos_in_full: int
    pictures: int
    labels: int
    faults: tuple[str, ...]
    size_bytes: int


def write_report(data: Path, out: Path) -> ReportSummary:
    """Make the page about a data folder, whole or not at all, from its list of videos, labels and ledger.

    Raises what read_catalogue raises when there is no list, IntegrityError when the ledger is none, OSError when `out`
    cannot be written. Labels that are torn or do not balance raise nothing: the page says so, loudly, and so does the summary.
    """
    folder = DataFolder(data)
    seen = survey(folder, read_catalogue(folder.catalogue))
    labelled = seen.labelled
    full = labelled[-VIDEOS_IN_FULL:]
    heroes = views.draw_heroes(folder, seen)
    with staged_file(out) as staging:
        _template().stream(
            seen=seen, sums=seen.sums, labelled=labelled, full={video.id for video in full}, heroes=heroes,
            moment=views.draw_moment(folder, heroes, seen), words=views.draw_words(folder, seen),
            pairs=views.draw_associations(seen),
            rows_in_table=ROWS_IN_TABLE, faults_shown=FAULTS_SHOWN,
            videos=(views.draw_video(folder, video, seen.facts[video.id]) for video in full),
        ).dump(str(staging), encoding="utf-8")
        size = staging.stat().st_size
    return ReportSummary(
        len(seen.videos), len(labelled), len(full), seen.sums[3].total, seen.labels, tuple(seen.faults), size)


@cache
def _template() -> "jinja2.Template":
    """The page's template. Every value in it is cleaned and escaped, whoever wrote it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        finalize=_clean, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        clock=clock, span=_span, offset=_offset, cap=cap, name=lambda video: video.title or video.id,
        percent=percent, shade=_shade, n="{:,}".format, px="{:.1f}".format)
    environment.globals.update(space=timeline, columns=pairs)
    return environment.get_template("page.html")


def _clean(value: Any) -> Any:
    """Text without what a reader cannot see and a page might obey; what the template made itself stays."""
    return visible(value) if type(value) is str else value


def _shade(weight: float) -> str:
    """How deep a chip is coloured, 0-1: steeper than the chance, so that the likely ones stand out."""
    return f"{min(1.0, max(0.0, weight)) ** 1.5:.3f}"


def _span(seconds: float) -> str:
    """A length of time: 45 s, 7 min or 1.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def _offset(seconds: float) -> str:
    """How words stand to what they name: 1.2 s after, or 0.4 s before."""
    return f"{abs(seconds):.1f} s {'after' if seconds >= 0 else 'before'}"

"""Asking the net: pictures to words, words to pictures."""

import argparse
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from flows.console import LINE_CHARACTERS, error_line
from flows.plan import data_folder, parse_settings
from tasks.errors import InputError
from tasks.network.text import shown
from tasks.params import load_params
from tasks.storage.layout import DataFolder

PIPED_COLUMNS = 400  # so that a line stays a line where nobody looks

if TYPE_CHECKING:
    from tasks.nets.store import TrainedNet
    from tasks.search.find import Found
    from tasks.search.index import Index


def label(options: argparse.Namespace) -> int:
    """Words for pictures. A file that is no picture is one line; 2 when none could be read.

    options: pictures (paths), net, top (None: as set).
    """
    params = load_params(options.params, parse_settings(options.set)).search
    net = _load(champion_folder(options))
    from tasks.search.find import percent
    from tasks.search.label import label_picture

    console, read = Console(), 0
    for path in options.pictures:
        try:
            labelled = label_picture(path, net, options.top or params.label_words)
        except InputError as error:
            error_line(error.problem, error.remedy)
            continue
        read += 1
        words = "  ".join(f"{shown(word, 40)} {percent(chance)}" for word, chance in labelled.words)
        console.print(f"{shown(str(path), LINE_CHARACTERS)}: {words}", markup=False, highlight=False, soft_wrap=True)
    if not read:
        raise InputError("no picture could be read", "give JPEG or PNG files")
    return 0


def find(options: argparse.Namespace) -> int:
    """Pictures for words, as a table, and as a sheet where asked.

    options: words, net, top and per_video (None: as set), save (a .png, or None).
    """
    params = load_params(options.params, parse_settings(options.set))
    if options.save is not None and options.save.suffix.lower() != ".png":
        raise InputError(f"--save {options.save}: sheets are PNG", "name a file that ends in .png")
    data, folder = data_folder(options.data), champion_folder(options)
    from tasks.search.find import find_pictures
    from tasks.search.index import index_folder
    from tasks.search.words import open_words, read_query

    load = cache(lambda: _load(folder))
    vectors = index_folder(data.cache, folder)
    words = open_words(vectors, load)
    query = read_query(options.words, words, lambda unknown: load().embed_words(unknown),
                       lambda word: _lemma(word, params.keywords.stopword_languages))
    index = _index(data, vectors, load)
    per_video = params.search.per_video if options.per_video is None else options.per_video
    found = find_pictures(index, query.terms, results=options.top or params.search.results, per_video=per_video)
    texts = [term.text for term in query.terms]
    for note in query.notes:
        print(shown(note, LINE_CHARACTERS))
    _print_found(found, texts)
    if options.save is not None:
        from tasks.search.sheet import draw_sheet

        draw_sheet(found, texts, len(index), options.save)
        print(f"{options.save}: {len(found)} pictures")
    return 0


def champion_folder(options: argparse.Namespace) -> Path:
    """The folder of the version of options.net that is in use. Raises InputError when there is none yet."""
    from tasks.evaluation.champion import read_champion

    models = data_folder(options.data).root / "models"
    champion = read_champion(models, options.net)
    if champion is None:
        raise InputError(f"{options.net}: no champion yet", "train a net with `framewords train`, then `framewords evaluate`")
    return models / champion.net / champion.version


def _load(folder: Path) -> "TrainedNet":
    from flows.commands import leaving_at_once

    with leaving_at_once():
        from tasks.nets.store import load_net
    return load_net(folder)


def _lemma(word: str, languages: tuple[str, ...]) -> str:
    from tasks.keywords.pick import lemma_of

    return lemma_of(word, languages)


def _index(data: DataFolder, folder: Path, load: "Callable[[], TrainedNet]") -> "Index":
    """The index of the dataset as it is now; made, or brought up to date, where needed. Then indices of nets out of use go."""
    from tasks.search.index import drop_indices, open_index, update_index

    index = open_index(data.dataset, folder)
    if index is not None:
        return index
    logging.basicConfig(format="%(message)s")
    with shown_progress() as bar:
        task = bar.add_task("showing the net pictures it has not seen yet", total=None)
        index = update_index(data.dataset, folder, load(), lambda done, total: bar.update(task, completed=done, total=total))
    drop_indices(data.cache, _in_use(data.root / "models"))
    return index


def _in_use(models: Path) -> list[Path]:
    """Of every net the champion and the one before it, which a roll-back may bring back."""
    from tasks.evaluation.champion import CHAMPION, read_champion

    folders = []
    for pointer in sorted(models.glob(f"*/{CHAMPION}")):
        champion = read_champion(models, pointer.parent.name)
        if champion is not None:
            versions = [champion.version, *(str(move["version"]) for move in champion.history[-1:])]
            folders += [folder for version in versions if (folder := pointer.parent / version / "net.json").is_file()]
    return [path.parent for path in folders]


def shown_progress() -> Progress:
    """A bar on stderr, where somebody looks."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _print_found(found: "list[Found]", words: list[str]) -> None:
    from tasks.search.find import moment_address, percent

    table = Table(box=None, pad_edge=False)
    for word in words:
        table.add_column(escape(shown(word, 30)), justify="right")
    table.add_column("time", justify="right")
    table.add_column("video", overflow="fold")
    table.add_column("where", overflow="fold")
    for one in found:
        minutes, seconds = divmod(int(one.seconds), 60)
        table.add_row(*map(percent, one.chances), f"{minutes}:{seconds:02}", escape(shown(one.title or one.video_id, 60)),
                      escape(shown(moment_address(one.url, one.seconds), 300)))
    console = Console()
    Console(width=None if console.is_terminal else PIPED_COLUMNS).print(table)

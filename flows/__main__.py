"""The `framewords` command."""

import argparse
import difflib
import importlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from flows.stopping import listen
from tasks.errors import InputError, WorkflowError

COMMANDS = {
    "ingest": ("flows.commands", "run_ingest"),
    "report": ("flows.commands", "run_report"),
    "export": ("flows.commands", "run_export"),
    "rebuild": ("flows.commands", "run_rebuild"),
    "models": ("flows.commands", "run_models"),
    "init": ("flows.upkeep", "run_init"),
    "add": ("flows.upkeep", "run_add"),
    "remote": ("flows.upkeep", "run_remote"),
    "discover": ("flows.upkeep", "run_discover"),
    "nightly": ("flows.upkeep", "run_nightly"),
    "serve": ("flows.upkeep", "run_serve"),
    "stage": ("flows.upkeep", "run_stage"),
    "status": ("flows.upkeep", "run_status"),
    "retry": ("flows.upkeep", "run_retry"),
    "why": ("flows.upkeep", "run_why"),
    "forget": ("flows.upkeep", "run_forget"),
    "verify": ("flows.upkeep", "run_verify"),
    "versions": ("flows.upkeep", "run_versions"),
    "diff": ("flows.upkeep", "run_diff"),
    "checkout": ("flows.upkeep", "run_checkout"),
    "train": ("flows.nets", "run_train"),
    "evaluate": ("flows.nets", "run_evaluate"),
    "retrain": ("flows.nets", "run_retrain"),
    "promote": ("flows.nets", "run_promote"),
    "rollback": ("flows.nets", "run_rollback"),
    "label": ("flows.search", "label"),
    "find": ("flows.search", "find"),
    "study": ("flows.study", "study"),
}

DEFAULT_NET = "main"
MOST_SHOWN = 10_000


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, like every other error of ours."""

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)$", message)
        close = difflib.get_close_matches(wrong[1], re.findall(r"[\w-]+", wrong[2]), n=1) if wrong else []
        raise InputError(message, f"did you mean {close[0]}?" if close else f"see `{self.prog} --help`")


def build_parser() -> Parser:
    parser = Parser(prog="framewords", description="Narrated videos in, pictures labelled with the words spoken about them out.")
    parser.add_argument("--version", action="version", version=f"framewords {version('framewords')}")
    parser.set_defaults(data=Path("data"), params=Path("params.yaml"), set=[], more=[], verbose=False)
    _add_settings(parser, "set")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    _add_dataset_commands(commands)
    _add_nightly_commands(commands)
    _add_upkeep_commands(commands)
    _add_net_commands(commands)
    _add_search_commands(commands)
    for command in commands.choices.values():  # the same options are taken after the command too
        _add_settings(command, "more")
    return parser


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]


def _add_dataset_commands(commands: "Commands") -> None:
    ingest = commands.add_parser("ingest", help="label videos: files, folders, list files, addresses, pages, playlists")
    ingest.add_argument("sources", nargs="+", metavar="VIDEO_OR_URL_OR_FOLDER_OR_LIST")
    ingest.add_argument("--dry-run", action="store_true", help="say what would be done and what it would cost; write nothing")

    report = commands.add_parser("report", help="write a page that shows what is in the dataset")
    report.add_argument("--out", type=Path, help="where to write it (default: report.html in the data folder)")

    export = commands.add_parser("export", help="write the dataset in another format")
    export.add_argument("format", choices=["webdataset", "coco", "recipe"])
    export.add_argument("out", type=Path, metavar="OUT")

    rebuild = commands.add_parser("rebuild", help="get the pictures of a recipe again from their sources")
    rebuild.add_argument("recipe", type=Path)
    rebuild.add_argument("out", type=Path, metavar="OUT")

    models = commands.add_parser("models", help="nets, and recogniser models")
    kinds = models.add_subparsers(dest="action", metavar="list|fetch|path")
    kinds.add_parser("list", help="which recogniser models are known and which are here; without it: the nets of this project")
    fetch = kinds.add_parser("fetch", help="fetch one from its publisher, once")
    fetch.add_argument("name")
    fetch.add_argument("--sha256", default="", help="what the archive must hash to")
    path = kinds.add_parser("path", help="print where a model lies")
    path.add_argument("name")


def _add_nightly_commands(commands: "Commands") -> None:
    init = commands.add_parser("init", help="make a project: a folder in git whose large files DVC tracks")
    init.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER")

    add = commands.add_parser("add", help="subscribe to a channel, playlist, feed, search, folder or bucket")
    add.add_argument("url", metavar="URL_OR_FOLDER_OR_SEARCH")
    add.add_argument("--name", required=True, help="what to call it")
    add.add_argument("--dry-run", action="store_true", help="show what a night would fetch; write nothing")
    add.add_argument("--with", action="append", default=[], dest="keys", metavar="KEY=VALUE",
                     help="a filter or cap, as min_seconds=60; repeatable; docs/sources.md lists them")

    remote = commands.add_parser("remote", help="where versions of the dataset are kept: an S3 address, or a folder")
    remote.add_argument("url", nargs="?", metavar="S3_URL_OR_FOLDER", help="none: say where they are kept now")
    remote.add_argument("--endpoint", default="", help="of an S3 server that is not Amazon's")
    remote.add_argument("--profile", default="", help="which credentials of ~/.aws/credentials")
    remote.add_argument("--region", default="")
    remote.add_argument("--create", action="store_true", help="create the bucket when it is not there")

    commands.add_parser("discover", help="look for new uploads and add them to the list")
    commands.add_parser("nightly", help="one round now: new uploads, labels, dataset, a version of it")
    serve = commands.add_parser("serve", help="Prefect server with its UI, and the nightly schedule")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=4200)
    stage = commands.add_parser("stage", help="one stage of dvc.yaml; `dvc repro` calls it")
    stage.add_argument("stage", choices=["media", "labels", "evidence", "dataset", "train", "evaluate"])


def _add_upkeep_commands(commands: "Commands") -> None:
    commands.add_parser("status", help="what is labelled, waiting, set aside and paused")
    retry = commands.add_parser("retry", help="try videos again that were set aside")
    retry.add_argument("videos", nargs="*", metavar="VIDEO")
    retry.add_argument("--class", dest="failure_class", metavar="CLASS",
                       help="all of one class: transient (or network), blocked, gone, filtered, unusable")

    why = commands.add_parser("why", help="where a picture, word or label comes from")
    why.add_argument("question", nargs="+", metavar="VIDEO[:FRAME|@SECONDS] [WORD] | WORD | SPLIT:ROW")
    why.add_argument("--json", action="store_true")

    forget = commands.add_parser("forget", help="remove videos everywhere, for good")
    forget.add_argument("videos", nargs="+", metavar="VIDEO")
    forget.add_argument("--relabel", action="store_true", help="also relabel what was listed after them")
    forget.add_argument("--dry-run", action="store_true", help="say what would be removed; remove nothing")

    verify = commands.add_parser("verify", help="re-hash the dataset, and in a project all that is kept, here and on the remote")
    verify.add_argument("--repair", action="store_true", help="restore what is damaged from another whole copy")

    commands.add_parser("versions", help="the versions of the dataset")
    diff = commands.add_parser("diff", help="what changed between two versions")
    diff.add_argument("old")
    diff.add_argument("new")
    checkout = commands.add_parser("checkout", help="bring back a version: list, settings and dataset")
    checkout.add_argument("version")


def _add_net_commands(commands: "Commands") -> None:
    train = commands.add_parser("train", help="a new version of the net, from the dataset as it is now")
    evaluate = commands.add_parser("evaluate", help="a version of the net and the one in use, side by side")
    evaluate.add_argument("version", nargs="?", default="", metavar="VERSION", help="none: what was trained last")
    retrain = commands.add_parser("retrain", help="train on what is new, judge the result, put it to use or refuse it")
    for command in (train, retrain):
        command.add_argument("--from-scratch", action="store_true", help="do not go on from the version in use")
    promote = commands.add_parser("promote", help="put a version of the net to use")
    promote.add_argument("--force", action="store_true", help="whatever its verdict says; this is recorded")
    rollback = commands.add_parser("rollback", help="put an earlier version of the net to use again")
    for command in (promote, rollback):
        command.add_argument("version", metavar="VERSION")
    for command in (train, evaluate, retrain, promote, rollback):
        command.add_argument("--net", default=DEFAULT_NET, metavar="NAME", help=f"which net (default: {DEFAULT_NET})")


def _add_search_commands(commands: "Commands") -> None:
    label = commands.add_parser("label", help="words for pictures")
    label.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE")
    find = commands.add_parser("find", help="pictures for words; more words narrow")
    find.add_argument("words", nargs="+", metavar="WORD_OR_PHRASE")
    find.add_argument("--per-video", type=_number_from(0), metavar="N", help="at most so many of one video; 0: any number")
    find.add_argument("--save", type=Path, metavar="SHEET.png", help="also draw the pictures on a sheet")
    for command, thing in ((label, "words a picture"), (find, "pictures")):
        command.add_argument("--top", type=_number_from(1), metavar="N", help=f"how many {thing}")

    study = commands.add_parser("study", help="look into nets")
    kinds = study.add_subparsers(dest="subject", metavar="weights|nets", required=True)
    weights = kinds.add_parser("weights", help="a page on the spectra of a net's weights, and how versions differ")
    weights.add_argument("versions", nargs="*", metavar="VERSION", help="none: the champion and the one before it")
    nets = kinds.add_parser("nets", help="a page that compares image towers at equal compute")
    for command in (weights, nets):
        command.add_argument("--out", type=Path, help="where to write the page")
        _add_settings(command, "more")
    nets.add_argument("--epochs", type=_number_from(1), metavar="N",
                      help="how long the tower of the settings would train (default: training.epochs)")
    for command in (label, find, weights):
        command.add_argument("--net", default=DEFAULT_NET, metavar="NAME", help=f"which net (default: {DEFAULT_NET})")


def _number_from(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,5}", text) or not least <= int(text) <= MOST_SHOWN:
            raise argparse.ArgumentTypeError(f"{text[:60]} is not a number from {least} to {MOST_SHOWN}")
        return int(text)
    return read


def _add_settings(parser: argparse.ArgumentParser, settings: str) -> None:
    """The options of every command. Their defaults are set once, so that one place does not undo the other.

    settings: the name under which --set is kept.
    """
    never = argparse.SUPPRESS
    parser.add_argument("--data", type=Path, default=never, metavar="FOLDER", help="the data folder (default: data)")
    parser.add_argument("--params", type=Path, default=never, metavar="FILE", help="settings (default: params.yaml)")
    parser.add_argument("--set", action="append", dest=settings, default=never, metavar="SECTION.KEY=VALUE",
                        help="override one setting; repeatable")
    parser.add_argument("--verbose", action="store_true", default=never, help="show the log of every step")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 done, 2 bad input or settings, 3 try again later, 4 an integrity check failed."""
    from flows.console import error_line

    if threading.current_thread() is threading.main_thread():
        listen()
    try:
        options = build_parser().parse_args(arguments)
        options.set = [*options.set, *options.more]
        module, name = COMMANDS[options.command]
        return int(getattr(importlib.import_module(module), name)(options))
    except WorkflowError as error:
        error_line(error.problem, error.remedy)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output has left; nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        error_line(f"{error.filename or 'system'}: {error.strerror or error}", "free space or correct the path, then run again")
        return 3
    except KeyboardInterrupt:
        logging.disable()  # threads that wind down have nothing more to tell, and Prefect's log cannot be reached by then
        error_line("stopped", "run the same command again to go on where it stopped")
        return 130  # the shell's word for "ended by Ctrl-C"


if __name__ == "__main__":
    sys.exit(main())

"""The `framewords` command."""

import argparse
import importlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from tasks.errors import InputError, WorkflowError

COMMANDS = {
    "ingest": ("flows.commands", "run_ingest"),
    "report": ("flows.commands", "run_report"),
    "export": ("flows.commands", "run_export"),
    "rebuild": ("flows.commands", "run_rebuild"),
    "models": ("flows.commands", "run_models"),
    "verify": ("flows.commands", "run_verify"),
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, like every other error of ours."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, f"see `{self.prog} --help`")


def build_parser() -> Parser:
    parser = Parser(prog="framewords", description="Narrated videos in, pictures labelled with the words spoken about them out.")
    parser.add_argument("--version", action="version", version=f"framewords {version('framewords')}")
    parser.set_defaults(data=Path("data"), params=Path("params.yaml"), set=[], more=[], verbose=False)
    _add_settings(parser, "set")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

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

    models = commands.add_parser("models", help="recogniser models")
    kinds = models.add_subparsers(dest="action", metavar="list|fetch|path", required=True)
    kinds.add_parser("list", help="which are known and which are here")
    fetch = kinds.add_parser("fetch", help="fetch one from its publisher, once")
    fetch.add_argument("name")
    fetch.add_argument("--sha256", default="", help="what the archive must hash to")
    path = kinds.add_parser("path", help="print where a model lies")
    path.add_argument("name")

    commands.add_parser("verify", help="re-hash the dataset against its manifest")
    for command in commands.choices.values():  # the same options are taken after the command too
        _add_settings(command, "more")
    return parser


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
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops as Ctrl-C does
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
        error_line("stopped", "run the same command again to go on where it stopped")
        return 130  # the shell's word for "ended by Ctrl-C"


if __name__ == "__main__":
    sys.exit(main())

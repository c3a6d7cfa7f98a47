"""Whatever is wrong around a project: one line on stderr, the right exit code, nothing half-written, no secret, no traceback."""

import re
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.flows.conftest import tree_hash
from tests.flows.project import ProjectCommand
from tests.stores import ACCESS_KEY, SECRET_KEY, RcloneServer, new_bucket

CANARY = "wJalrXUtnFEMIcanaryK7MDENGbPxRfiCY"


@dataclass(frozen=True)
class Bad:
    """words: the command. settings: (old, new) in params.yaml before it. expected: of the one line, a regular expression."""

    name: str
    words: tuple[str, ...]
    code: int
    expected: str
    settings: tuple[str, str] | None = None


SETTINGS = (
    Bad("unknown setting", ("nightly",), 2, r"unknown key nightly\.timezon: did you mean timezone",
        ("  timezone: UTC", "  timezon: UTC")),
    Bad("bad cron", ("nightly",), 2, r"nightly\.cron", ("cron: 0 3 * * *", "cron: 0 25 * * *")),
    Bad("cron of many times a day", ("serve",), 2, r"nightly\.cron", ("cron: 0 3 * * *", "cron: '* * * * *'")),
    Bad("unknown time zone", ("serve",), 2, r"did you mean Europe/Berlin", ("timezone: UTC", "timezone: Europe/Berlim")),
    Bad("source without a name", ("nightly",), 2, r"sources\.0\.name", ("sources: []", "sources: [{url: 'https://a.example/'}]")),
    Bad("unknown key of a source", ("status",), 2, r"min_view.*did you mean min_views",
        ("sources: []", "sources: [{name: a, url: 'https://a.example/', min_view: 3}]")),
    Bad("filter that is no pattern", ("discover",), 2, r"title_matches.*not a regular expression",
        ("sources: []", "sources: [{name: a, url: 'https://a.example/', title_matches: '('}]")),
)
COMMANDS = (
    Bad("bucket name", ("remote", "s3://Bad_Bucket/x"), 2, r"bucket"),
    Bad("key in the address", ("remote", "s3://bucket/x", "--endpoint", f"http://key:{CANARY}@127.0.0.1:9/"), 2,
        r"take them out"),
    Bad("store of another kind", ("remote", "gs://bucket/x"), 2, r"gs://bucket/x"),
    Bad("source that is none", ("add", "no-such-thing", "--name", "a"), 2, r"no-such-thing"),
    Bad("unknown key", ("add", "https://a.example/", "--name", "a", "--with", "min_view=3"), 2, r"did you mean min_views"),
    Bad("class", ("retry", "--class", "netwrok"), 2, r"did you mean network"),
    Bad("retry of nothing", ("retry",), 2, r"retry what"),
    Bad("video to retry", ("retry", "web_0000000000000000"), 2, r"not in the list"),
    Bad("video to forget", ("forget", "web_0000000000000000"), 2, r"web_0000000000000000"),
    Bad("question", ("why", "zzzz:9"), 2, r"zzzz"),
    Bad("version", ("checkout", "dataset-2020-01-01.1"), 2, r"dataset-2020-01-01\.1"),
    Bad("versions to compare", ("diff", "a", "b"), 2, r"\ba\b"),
    Bad("serve for everybody", ("serve", "--host", "0.0.0.0"), 2, r"PREFECT_SERVER_API_AUTH_STRING"),
    Bad("data elsewhere", ("--data", "other", "nightly"), 2, r"leave out --data"),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> ProjectCommand:
    """A new project, which no test of this module changes."""
    return ProjectCommand.make(tmp_path_factory.mktemp("bad") / "project", prefect_api)


@pytest.mark.parametrize("bad", [*SETTINGS, *COMMANDS], ids=lambda bad: bad.name)
def test_one_line_and_nothing_written(bad: Bad, project: ProjectCommand) -> None:
    params = project.root / "params.yaml"
    before = params.read_text()
    if bad.settings:
        assert bad.settings[0] in before
        params.write_text(before.replace(*bad.settings, 1))
    tree = snapshot(project.root)
    try:
        done = project(*bad.words)
        assert snapshot(project.root) == tree
    finally:
        params.write_text(before)
    check_line(done.code, done.err, bad.code, bad.expected)
    assert CANARY not in done.out + done.err


def test_outside_a_project_it_says_how_to_make_one(tmp_path: Path, project: ProjectCommand) -> None:
    empty = ProjectCommand(tmp_path, project.environment)
    for words in (("nightly",), ("versions",), ("serve",), ("remote",)):
        done = empty(*words)
        check_line(done.code, done.err, 2, "framewords init")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_told(project: ProjectCommand, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = project("init", str(tmp_path / "file"))
    check_line(done.code, done.err, 2, "is a file")


@pytest.mark.parametrize(("secret", "bucket", "code", "expected"), [
    (SECRET_KEY, "absent-bucket", 2, "--create"), (CANARY, None, 2, "credentials|secret|refused"),
], ids=["absent", "wrong secret"])
def test_a_bucket_that_cannot_be_used_leaves_the_settings_as_they_were(
        secret: str, bucket: str | None, code: int, expected: str, project: ProjectCommand, rclone_process: RcloneServer) -> None:
    name = bucket or new_bucket(rclone_process.endpoint)
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "us-east-1"}
    command = ProjectCommand(project.root, {**project.environment, **keys})
    tree = snapshot(project.root)
    done = command("remote", f"s3://{name}/x", "--endpoint", rclone_process.endpoint)
    check_line(done.code, done.err, code, expected)
    assert snapshot(project.root) == tree
    assert CANARY not in done.out + done.err


def test_an_endpoint_that_is_down_is_worth_another_try(project: ProjectCommand) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": CANARY}
        command = ProjectCommand(project.root, {**project.environment, **keys})
        tree = snapshot(project.root)
        done = command("remote", "s3://bucket/x", "--endpoint", f"http://127.0.0.1:{port}")
    check_line(done.code, done.err, 3, "127.0.0.1")
    assert snapshot(project.root) == tree


def check_line(code: int, err: str, wanted_code: int, expected: str) -> None:
    assert code == wanted_code, err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err
    assert re.search(expected, err), err


def snapshot(root: Path) -> dict[str, str]:
    """Every file of the project but git's own."""
    return {name: digest for name, digest in tree_hash(root).items() if not name.startswith(".git/")}

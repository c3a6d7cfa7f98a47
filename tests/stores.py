"""S3 servers on loopback, each in a process of its own, and a wire that can be cut.

moto answers like Amazon, conditions included, but keeps everything in memory and checks no signature. `rclone serve s3` keeps
real files and checks signatures, survives a kill, but ignores conditions. Tests run against both where both can tell.

    with RcloneServer(folder) as server, Wire(server.port) as wire:
        wire.cut(up=3_000_000)          # the connection breaks after so many bytes sent to the server
        ...
        server.kill(); server.start()   # same port, same folder
"""

import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self

import pytest

ACCESS_KEY, SECRET_KEY = "AKIDTESTSTESTSTESTS", "s3cr3t-of-the-tests-0123456789"
PR_SET_PDEATHSIG = 1
START_TRIES = 1200  # of 0.05 s
# A developer's own AWS settings must not reach a test, nor a test the developer's buckets.
FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
           "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY",
           "all_proxy")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials"}


class Server:
    """A server process on a port of 127.0.0.1 that it keeps over restarts."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Start, and return when it answers."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment["RCLONE_AUTH_KEY"] = f'"{ACCESS_KEY},{SECRET_KEY}"'  # not on a command line, as anywhere else
        self._process = subprocess.Popen(
            self.command(), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent)
        for _ in range(START_TRIES):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                try:
                    code = self._process.wait(timeout=0.05)
                except subprocess.TimeoutExpired:
                    continue
                raise RuntimeError(f"{self.command()[0]} ended at once, exit code {code}") from None
            return
        self.kill()
        raise RuntimeError(f"{self.command()[0]} does not answer on port {self.port}")

    def kill(self) -> None:
        """kill -9, and return when it is gone."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _die_with_parent() -> None:
    """Linux ends the server when the tests are killed."""
    if Path("/proc/self").exists():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class MotoServer(Server):
    def command(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]


class RcloneServer(Server):
    """folder: one folder a bucket, one file an object, so that a test can look at and damage what is stored."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def command(self) -> list[str]:
        beside = Path(sys.executable).with_name("rclone")
        program = str(beside) if beside.exists() else shutil.which("rclone") or "rclone"
        # Folders are remembered for as short as can be, so that damage is seen at once; with 0 s rclone sometimes never answers.
        return [program, "serve", "s3", "--addr", f"127.0.0.1:{self.port}", "--config", os.devnull, "--dir-cache-time", "1ms",
                str(self.folder)]


class Wire:
    """A TCP proxy to a port of this machine that breaks connections on request."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._left: dict[str, int | None] = {"up": None, "down": None}
        self._dead = self._stay_dead = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self, *, up: int | None = None, down: int | None = None, for_good: bool = False) -> None:
        """Break the connection that carries the next so many-th byte to (up) or from (down) the server.

        for_good: every connection after it is broken too, until `mend`.
        """
        self._left, self._stay_dead = {"up": up, "down": down}, for_good

    def mend(self) -> None:
        self._left, self._dead = {"up": None, "down": None}, False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for end in self._sockets:
            _reset(end)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                _reset(client)
                continue
            self._sockets += [client, server]
            for way, source, sink in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self._pump, args=(way, source, sink), daemon=True).start()

    def _pump(self, way: str, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                passing = self._passing(way, len(data))
                sink.sendall(data[:passing])
                if passing < len(data):
                    _reset(source)
                    _reset(sink)
                    return
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # either end has gone: so has the connection
            _reset(source)
            _reset(sink)

    def _passing(self, way: str, wanted: int) -> int:
        """How many of the next bytes go through; fewer than wanted breaks the connection."""
        with self._lock:
            left = self._left[way]
            if self._dead:
                return 0
            if left is None or left > wanted:
                self._left[way] = None if left is None else left - wanted
                return wanted
            self._left[way], self._dead, self.cuts = None, self._stay_dead, self.cuts + 1
            return left - 1 if left else 0


def _reset(end: socket.socket) -> None:
    """Close at once and tell the other side so (RST), whatever is still under way."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


@cache
def raw_client(endpoint: str) -> Any:
    """boto3's own client, to look at and damage what a server holds."""
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required",
                    response_checksum_validation="when_required")
    return boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                        region_name="us-east-1", config=config)


def new_bucket(endpoint: str) -> str:
    """The name of a bucket just made."""
    name = f"tests-{uuid.uuid4().hex[:12]}"
    raw_client(endpoint).create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def moto_process() -> Iterator[MotoServer]:
    with MotoServer() as server:
        yield server


@pytest.fixture(scope="session")
def rclone_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RcloneServer]:
    with RcloneServer(tmp_path_factory.mktemp("buckets")) as server:
        yield server


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of the servers of the tests, and nothing of the developer's."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def moto_server(moto_process: MotoServer, aws_environment: None) -> MotoServer:
    """For all tests of a run; credentials are in the environment. Every test makes a bucket of its own (`new_bucket`)."""
    return moto_process


@pytest.fixture
def rclone_server(rclone_process: RcloneServer, aws_environment: None) -> RcloneServer:
    """As moto_server. Not to be killed: a test that kills makes one of its own."""
    return rclone_process


@pytest.fixture(params=["moto", "rclone"])
def s3_server(request: pytest.FixtureRequest) -> Server:
    """Each of the two servers in turn."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return server

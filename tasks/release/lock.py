"""dvc.lock, of which a version of the dataset is one part and the nets are another: neither moves the other."""

from typing import Any

import yaml

from tasks.errors import IntegrityError

DATASET_STAGES = ("media", "labels", "evidence", "dataset")


def dataset_part(lock: bytes | None) -> dict[str, Any]:
    """What a dvc.lock says of the stages up to the dataset; empty where there is none.

    Raises IntegrityError when it is no dvc.lock.
    """
    return {name: stage for name, stage in _stages(lock).items() if name in DATASET_STAGES}


def with_dataset_of(version: bytes, here: bytes | None) -> bytes:
    """The dvc.lock of a version, with the nets that are here now."""
    whole = yaml.safe_load(version)
    others = {name: stage for name, stage in _stages(here).items() if name not in DATASET_STAGES}
    whole["stages"] = dataset_part(version) | others
    return yaml.safe_dump(whole, sort_keys=False).encode()


def _stages(lock: bytes | None) -> dict[str, Any]:
    if not lock:
        return {}
    try:
        return dict(yaml.safe_load(lock)["stages"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError("dvc.lock: not one", "restore it with `git checkout dvc.lock`") from error

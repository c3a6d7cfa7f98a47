"""Any row of a shard, by number."""

from collections.abc import Callable

import pyarrow.parquet as pq
import pytest

from tasks.dataset.reader import ShardReader
from tasks.errors import IntegrityError
from tests.dataset.conftest import Project, dataset_params


def test_every_row_is_what_reading_the_whole_shard_gives(new_project: Callable[..., Project]) -> None:
    project = new_project(5, ("only",))
    project.params = dataset_params(row_group_rows=7)
    project.build()
    shard = next(project.dataset.glob("data/*.parquet"))
    reader = ShardReader(shard)
    assert [reader[row] for row in range(len(reader))] == pq.read_table(shard).to_pylist()
    for row in (-1, len(reader)):
        with pytest.raises(IndexError):
            reader[row]


def test_a_torn_shard_is_named(new_project: Callable[..., Project]) -> None:
    project = new_project(1)
    project.build()
    shard = next(project.dataset.glob("data/*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=shard.name):
        ShardReader(shard)

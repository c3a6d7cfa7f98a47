"""Training by several processes: torchrun --nproc-per-node 2 -m tasks.training --dataset DIR --out DIR --params params.yaml."""

import argparse
import logging
import sys
from pathlib import Path

import yaml

from tasks.errors import WorkflowError
from tasks.params import load_params
from tasks.storage.objects import StoreAddress, open_store
from tasks.training.fit import train_net


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the new version")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--store", help="s3://bucket/prefix or folder where shards are that are not here")
    parser.add_argument("--endpoint", default="", help="of an S3 server that is not Amazon's")
    parser.add_argument("--base", type=Path, help="an earlier version to go on from")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        overrides = {key: yaml.safe_load(value) for key, _, value in (one.partition("=") for one in options.set)}
        params = load_params(options.params, overrides)
        store = open_store(StoreAddress(options.store, options.endpoint)) if options.store else None
        train_net(options.dataset, options.out, params.nets, params.training, base=options.base, store=store)
    except WorkflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

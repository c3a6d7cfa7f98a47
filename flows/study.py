"""Looking into nets: pages for people."""

import argparse


def study(options: argparse.Namespace) -> int:
    raise NotImplementedError(options.subject)

"""`python -m sample [next|hub]`: see the whole line work, offline, on two cores."""

import argparse
import signal
import sys

from sample.drive_room import enter
from sample.workspace import SampleError

WORDS = {
    "first": "start afresh: data and base onto a local Hub, train, judge, release (the default)",
    "next": "go on: the data moves; a second release, and a candidate that is refused",
    "hub": "serve what the sample released, for a browser",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one part of the sample; 1 after one clear message where it fails."""
    parser = argparse.ArgumentParser(prog="python -m sample", description=__doc__)
    parser.add_argument("part", nargs="?", choices=WORDS, default="first", help="; ".join(WORDS.values()))
    part = parser.parse_args(arguments).part
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
    try:
        with enter() as room:
            from sample import drive  # reads the environment that `enter` has set

            {"first": drive.first, "next": drive.after, "hub": drive.hub}[part](room)
    except SampleError as error:
        print(f"\nsample: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsample: stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

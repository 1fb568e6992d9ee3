"""Steps one after the other in this process, as `katman STEP` would do each: `line.py STEP…` in a workspace.

The last line that goes to the error stream before an exit code other than 0 is `at STEP`.
"""

import sys

from pipeline.__main__ import main

if __name__ == "__main__":
    for step in sys.argv[1:]:
        ended = 1
        try:
            ended = main([step])
        finally:
            if ended:
                print(f"\nat {step}", file=sys.stderr, flush=True)
        if ended:
            sys.exit(ended)

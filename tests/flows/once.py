"""`python -m tests.flows.once DIR …`: `katman retrain …` on a workspace whose steps are a toy's.

The flow is the project's, and so is its command; the toy has no code but that of its steps.
"""

import sys
from pathlib import Path

from pipeline import __main__ as main

if __name__ == "__main__":
    folder, *options = sys.argv[1:]
    main.__file__ = str(Path(folder, "pipeline", "__main__.py"))  # or it would refuse to run elsewhere
    sys.exit(main.main(["retrain", "--workspace", folder, *options]))

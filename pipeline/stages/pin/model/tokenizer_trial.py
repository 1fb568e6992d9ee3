"""A tokenizer is given what would hold up a pattern, in a process that a clock ends.

`tokenizer.json` may carry regular expressions of anybody's; one like `(a+)+$` takes twice as long for each
further letter, and no exception gets through to Python meanwhile.
"""

import signal
from pathlib import Path
from typing import Any

from pipeline.errors import InvalidData, first_line

_LETTERS = 2_000
# A run of one kind, and an end that is of none: patterns that try every way to divide a run meet it here.
_RUNS = ("a", "A", "0", " ", "\n", "\t", ".", "-", "_", "ğ", "字", "'", "aA", "a1", "a ", "\r\n")
_ENDS = ("!", "\0", "a")


def hold_up(base: Path, seconds: float) -> None:
    """Tokenize texts that are made for it; the clock ends the whole process (SIGALRM) after so many seconds.

    What cannot be loaded is left to who loads the model: the message is better there.

    Args:
        base: Folder of the model.
        seconds: For loading the tokenizer and for all texts together.

    Raises:
        InvalidData: It breaks on a text.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    tokenizer = _tokenizer(base)
    for text in _texts() if tokenizer is not None else ():
        try:
            tokenizer.encode(text)
        except (KeyboardInterrupt, SystemExit):
            raise
        except Exception:  # letters that it does not know: the trial and the audit say of which texts
            continue
        except BaseException as error:  # a panic of its Rust, as where a pattern gives up
            raise InvalidData(
                f"its tokenizer breaks on {len(text)} letters like {text[:4]!r} ({first_line(error)[:200]}); "
                "wanted one that any text can be given to. Pin another base"
            ) from None
    signal.setitimer(signal.ITIMER_REAL, 0)


def _texts() -> list[str]:
    return [run * (_LETTERS // len(run)) + end for run in _RUNS for end in _ENDS]


def _tokenizer(base: Path) -> Any:
    """Load the tokenizer's own file, wherever the Transformer lies; None where there is none that can be."""
    from tokenizers import Tokenizer

    path = next(iter([*base.glob("tokenizer.json"), *base.glob("0*/tokenizer.json")]), None)
    try:
        return None if path is None else Tokenizer.from_file(str(path))
    except Exception:  # what its Rust raises is no class of its own
        return None

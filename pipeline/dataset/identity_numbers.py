"""Numbers that a state gives to a person: by their shape, and by their check digits (python-stdnum)."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from stdnum.at import vnr
from stdnum.au import tfn
from stdnum.be import nn
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cl import rut
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.ie import pps
from stdnum.in_ import aadhaar
from stdnum.mx import curp
from stdnum.tr import tckimlik
from stdnum.us import ssn

from pipeline.dataset.number_edges import AFTER, BEFORE, is_amount, is_amount_abroad

_TCKN = re.compile(rf"{BEFORE}[1-9]\d{{10}}{AFTER}")


@dataclass(frozen=True)
class _Number:
    """A kind of number: how people write it, and what only a real one satisfies."""

    shape: re.Pattern[str]
    is_valid: Callable[[str], bool]

    def stands_in(self, text: str) -> bool:
        return any(
            self.is_valid(match[0]) and not is_amount_abroad(text, match.end())
            for match in self.shape.finditer(text)
        )


def _number(shape: str, is_valid: Callable[[str], bool]) -> _Number:
    return _Number(re.compile(rf"{BEFORE}{shape}(?!\w){AFTER}", re.IGNORECASE), is_valid)


# A number without a check digit, or with a single one, counts only in the groups in which people write it.
# Not here: numbers that no library knows, as the British NINO, and those that any eight digits are.
_OF: dict[str, tuple[_Number, ...]] = {
    "US": (_number(r"\d{3}-\d{2}-\d{4}", ssn.is_valid),),
    "GB": (_number(r"\d{3} \d{3} \d{4}", nhs.is_valid),),
    "CA": (_number(r"\d{3}([ -])\d{3}\1\d{3}", sin.is_valid),),
    "IE": (_number(r"\d{7}[A-W][A-IW]?", pps.is_valid),),
    "AU": (_number(r"\d{3} \d{3} \d{3}", tfn.is_valid),),
    "IN": (_number(r"\d{4}([ -]?)\d{4}\1\d{4}", aadhaar.is_valid),),
    "DE": (_number(r"\d{2} ?\d{3} ?\d{3} ?\d{3}", idnr.is_valid),),
    "AT": (_number(r"\d{4} ?\d{6}", vnr.is_valid),),
    "CH": (_number(r"756\.?\d{4}\.?\d{4}\.?\d{2}", ahv.is_valid),),
    "FR": (_number(r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", nir.is_valid),),
    "BE": (_number(r"\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}", nn.is_valid),),
    "ES": (_number(r"\d{8}-?[A-Z]", dni.is_valid), _number(r"[XYZ]-?\d{7}-?[A-Z]", nie.is_valid)),
    "MX": (_number(r"[A-Z]{4}\d{6}[A-Z]{6}[A-Z\d]\d", curp.is_valid),),
    "CL": (_number(r"\d{1,2}(\.?)\d{3}\1\d{3}-[\dK]", rut.is_valid),),
}


def turkish(text: str) -> bool:
    """Return whether a TCKN stands in a text, after NFKC."""
    return any(
        tckimlik.is_valid(match[0]) for match in _TCKN.finditer(text) if not is_amount(text, match.end())
    )


def stand_in(text: str, countries: Collection[str]) -> bool:
    """Return whether a number of some countries stands in a text, after NFKC; those but TCKN."""
    return any(number.stands_in(text) for country in countries for number in _OF.get(country, ()))

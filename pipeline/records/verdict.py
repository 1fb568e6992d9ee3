"""`records/verdict.json`: whether the candidate may be released, and why. Nested by keys: DVC shows it."""

from pipeline.records.record import Part, Record


class Check(Part):
    """One check: the value found, the rule with the value wanted, and whether it held."""

    value: float | str | bool
    rule: str
    wanted: float | str | bool
    passed: bool


class Verdict(Record):
    """`passed` only where every check passed."""

    candidate: str
    passed: bool
    checks: dict[str, Check]

    def failures(self) -> dict[str, Check]:
        """Give the checks that did not pass."""
        return {name: check for name, check in self.checks.items() if not check.passed}

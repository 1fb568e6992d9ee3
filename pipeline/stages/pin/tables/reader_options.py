"""What a README may set of how its files are read: plain data that names no other file, and no code."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import InvalidData

# By reader of `datasets`; what is not here is ignored, as `datasets` ignores what it does not know.
OPTIONS: dict[str, frozenset[str]] = {
    "arrow": frozenset(),
    "csv": frozenset(
        {
            "chunksize",
            "column_names",
            "comment",
            "date_format",
            "decimal",
            "delimiter",
            "dialect",
            "doublequote",
            "encoding",
            "encoding_errors",
            "engine",
            "escapechar",
            "false_values",
            "features",
            "float_precision",
            "header",
            "index_col",
            "keep_default_na",
            "lineterminator",
            "na_filter",
            "na_values",
            "names",
            "nrows",
            "on_bad_lines",
            "quotechar",
            "quoting",
            "sep",
            "skip_blank_lines",
            "skipfooter",
            "skipinitialspace",
            "skiprows",
            "thousands",
            "true_values",
            "usecols",
        }
    ),
    "json": frozenset(
        {
            "chunksize",
            "encoding",
            "encoding_errors",
            "features",
            "field",
            "on_mixed_types",
            "parse_agent_traces",
        }
    ),
    "parquet": frozenset({"batch_size", "columns", "features", "filters", "on_bad_files"}),
    "text": frozenset(
        {"chunksize", "encoding", "encoding_errors", "features", "keep_linebreaks", "sample_by"}
    ),
}
# What `datasets` takes code or a library's objects for.
_CODE = frozenset({"converters", "fragment_scan_options"})


def allowed(reader: str, options: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return those of a README's options that the reader is told.

    Args:
        reader: One of `OPTIONS`.
        options: As the README has them.
        owner: The data set's name and commit, for messages.

    Raises:
        InvalidData: One of them is code.
    """
    code = sorted(_CODE & set(options))
    if code:
        raise InvalidData(
            f"{owner} sets {', '.join(code)} in its README, which is no plain data; wanted only "
            f"{', '.join(sorted(OPTIONS[reader])) or 'no options'}. Pin a commit without it"
        )
    return {key: value for key, value in options.items() if key in OPTIONS[reader]}

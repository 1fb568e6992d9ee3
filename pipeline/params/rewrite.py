"""Change single values of params.yaml and keep everything else as a person wrote it."""

import io
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter


class _AsWritten(RoundTripRepresenter):
    """Writes `null`, where ruamel.yaml would leave an empty place."""

    def represent_none(self, data: None) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_AsWritten.add_representer(type(None), _AsWritten.represent_none)


def rewrite(path: Path, values: Mapping[str, str]) -> str:
    """Give the text of a params.yaml with some dotted keys set anew; comments and order stay.

    The file itself is not touched, so that the caller can write it whole.
    """
    yaml = YAML()
    yaml.Representer = _AsWritten
    yaml.preserve_quotes = True
    yaml.width = 4096
    content = yaml.load(path.read_text(encoding="utf-8"))
    for dotted, value in values.items():
        *parents, key = dotted.split(".")
        section = content
        for parent in parents:
            section = section[parent]
        section[key] = value
    text = io.StringIO()
    yaml.dump(content, text)
    return text.getvalue()

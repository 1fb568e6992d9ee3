"""Prefect only: when and where the steps run; what a step does is `pipeline`'s, whether it runs is DVC's."""

import os

# Before Prefect and DVC are imported: both report usage unless told not to. A set value wins.
for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
}.items():
    os.environ.setdefault(_name, _value)

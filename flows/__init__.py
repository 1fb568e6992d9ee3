"""Prefect only: when and where the steps run; what a step does is `pipeline`'s, whether it runs is DVC's."""

import os

# Before Prefect and DVC are imported: both report usage unless told not to, and the server that `katman
# retrain` starts for itself takes longer than Prefect's 20 s on a machine that trains. A set value wins.
for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}.items():
    os.environ.setdefault(_name, _value)

"""What the client's own log may not say."""

import logging
import re


def without_query(record: logging.LogRecord) -> bool:
    """Cut addresses off before their query: that of an upload is a permission to upload, for a day."""
    record.msg, record.args = re.sub(r"(https?://[^\s?]+)\?\S+", r"\1", record.getMessage()), ()
    return True


logging.getLogger("huggingface_hub.utils._http").addFilter(without_query)

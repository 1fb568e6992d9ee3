"""The folder of one model: its paths, digests, lineage, git state, receipts and approvals."""

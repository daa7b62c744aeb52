"""The one way in which anything here fails on purpose: a sentence for the person who typed the command."""


class ClusterError(Exception):
    """What is wrong and what to do about it; printed without a traceback."""

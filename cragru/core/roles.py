"""What a job does about a deletion request: its script states it, its manifest tells it, and the audit asks for it.

A rule may be renamed or cut in two: what its script does stays, and so does what can be claimed of its outputs.
"""

from enum import StrEnum


class Role(StrEnum):
    """The part of a job in a request. Every job whose manifest reaches a certificate has one."""

    PREPARES = "prepares"
    """Gives the publisher's data their ids and order, whatever is asked later."""

    DEPLOYS = "deploys"
    """Makes what is in service before the request: the original model, a partition, shards."""

    DIVIDES = "divides"
    """Divides the data into what is forgotten and what remains."""

    UNLEARNS = "unlearns"
    """Makes the model of an unlearning method, of which its claim is checked."""

    RERANKS = "reranks"
    """Makes a part of CRAGRU: candidates, a strategy's fit, histories, prompts, new lists."""

    PROVES = "proves"
    """Proves of prompts what they hold."""

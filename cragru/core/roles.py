"""What a job does about a deletion request: its script states the role, its manifest records it, the audit reads it.

A rule may be renamed or cut in two; the role of its script stays, and so do the claims about its outputs.
"""

from enum import StrEnum


class Role(StrEnum):
    """The part of a job in a request. Every job whose manifest reaches a certificate has one."""

    PREPARES = "prepares"
    """Give the publisher's data their ids and order, whatever is requested later."""

    DEPLOYS = "deploys"
    """Make what serves before the request: the original model, a partition, shards."""

    DIVIDES = "divides"
    """Divide the data into forgotten and remaining rows."""

    UNLEARNS = "unlearns"
    """Make the model of an unlearning method, whose claim is checked."""

    RERANKS = "reranks"
    """Make a part of CRAGRU: candidates, a strategy's fit, histories, prompts, new lists."""

    WEIGHS = "weighs"
    """Order candidates without a prompt, or weigh scores, by what is fitted on what remains at each request."""

    PROVES = "proves"
    """Prove what prompts hold."""

# What the rules of unlearning methods depend on: functions over a method's entry in params.yaml.
from cragru.unlearning.options import SHARD_OPTIONS


def original_model(wildcards):
    """The model before the request: the deployed state's."""
    return f"{STATE}/{{backbone}}/{ORIGINAL}/model.safetensors".format(**wildcards)


def method_entry(wildcards):
    """The method's entry."""
    return project.params.methods[wildcards.method]


def method_module(wildcards):
    """Module of the unlearning method."""
    return method_entry(wildcards).module


def method_options(wildcards):
    """What params.yaml gives the method in this cell."""
    return project.method_options(
        wildcards.dataset, wildcards.backbone, wildcards.method
    )


def unlearn_code(wildcards):
    """Digest of what serves a request with the method."""
    modules = (method_module(wildcards), backbone_module(wildcards))
    return code_digest("scripts/unlearn.py", *modules)


def read_original(wildcards):
    """The model before the request, for a method that reads it: the deployed state's."""
    return (
        original_model(wildcards) if ORIGINAL in method_entry(wildcards).reads else []
    )


def read_forget(path):
    """The forget set at `path`, for a method that reads it."""
    return lambda wildcards: (
        path.format(**wildcards) if "forget" in method_entry(wildcards).reads else []
    )


def shard_options(wildcards):
    """What of them shards are trained with: another aggregation trains no shard anew."""
    given = method_options(wildcards)
    return {name: given[name] for name in SHARD_OPTIONS if name in given}


def options_but_damping(wildcards):
    """What of them the search of the damping looks at."""
    given = method_options(wildcards)
    return {name: value for name, value in given.items() if name != "damping"}


def partition_module(wildcards):
    """Module of the method's partition."""
    return project.partition(wildcards.method).module


def partition_options(wildcards):
    """What params.yaml gives the partition."""
    return project.partition(wildcards.method).options


def partition_model(wildcards):
    """The model whose embeddings a partition looks at, if it does."""
    reads = project.partition(wildcards.method).reads
    return original_model(wildcards) if ORIGINAL in reads else []


def partition_code(wildcards):
    """Digest of what cuts the data."""
    return code_digest("scripts/partition.py", partition_module(wildcards))


def shard_count(wildcards):
    """Into how many shards."""
    return method_options(wildcards)["shards"]


def shards_code(wildcards):
    """Digest of what trains shards."""
    return code_digest("scripts/train_shards.py", backbone_module(wildcards))


DAMPED = [
    n for n, entry in project.params.methods.items() if "damping" in entry.options
]


def damping_code(wildcards):
    """Digest of what tries dampings."""
    modules = (method_module(wildcards), backbone_module(wildcards))
    return code_digest("scripts/search_damping.py", *modules)

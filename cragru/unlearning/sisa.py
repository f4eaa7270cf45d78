"""SISA (Bourtoule et al. 2021): a model for each shard of the data, their scores averaged.

Exact: a shard is trained anew from scratch without the forgotten rows, and nothing else ever saw them. Slicing is left
out, as in every published port to recommendation.
"""

from cragru.backbones.trainer import Stopwatch, choose_device
from cragru.plugins.options import read_options
from cragru.unlearning.aggregation import combine, presence, user_weights
from cragru.unlearning.base import Context, Unlearned
from cragru.unlearning.options import Missing, ShardOptions
from cragru.unlearning.sharding import renew


class Options(ShardOptions):
    """SISA's options.

    Attributes:
        missing: Whose scores count for a user (`cragru.unlearning.aggregation.user_weights`).
    """

    missing: Missing = "mask"


def unlearn(context: Context) -> Unlearned:
    """Renew the touched shards and average all shards' scores."""
    options = read_options(Options, context.method_options)
    shards = renew(context, options)
    watch = Stopwatch(choose_device(context.device))
    users, _ = presence(shards.data)
    weights = user_weights(users, options.missing)
    model = combine(shards.models, shards.data, weights, options.missing)
    return shards.served(model, watch.lap())

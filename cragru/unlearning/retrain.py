"""Retrain: train from scratch on what remains. Exact by construction, and what every other method is held against."""

from cragru.backbones.trainer import Stopwatch, choose_device
from cragru.backbones.training import train_backbone
from cragru.plugins.options import BaseOptions, read_options
from cragru.unlearning.base import Context, Cost, Unlearned


class Options(BaseOptions):
    """Which of the trainings on the same data it is.

    Attributes:
        seed_offset: Added to the seed of the training's random streams. 0: the original's streams. Another one gives
            a second Retrain of the same split, which differs from the first as far as chance goes and no further.
    """

    seed_offset: int = 0


def unlearn(context: Context) -> Unlearned:
    """Train the backbone on the remain set with the original's schedule and, unless asked otherwise, random streams."""
    options = read_options(Options, context.method_options)
    seed = context.seed + options.seed_offset
    data = context.remain
    watch = Stopwatch(choose_device(context.device))
    training, device = train_backbone(
        context.module, context.backbone, data, context.options, seed, context.device
    )
    seconds = watch.lap()
    stages = {"train": seconds}
    cost = Cost(seconds, seconds, 1, training.steps, 0, str(device), stages)
    return Unlearned(training.model, cost, training.curve)

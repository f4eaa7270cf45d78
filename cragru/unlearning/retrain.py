"""Retrain: train from scratch on what remains. Exact by construction, and what every other method is held against."""

from cragru.backbones.trainer import Stopwatch, choose_device
from cragru.backbones.training import train_backbone
from cragru.unlearning.base import Context, Cost, Unlearned


def unlearn(context: Context) -> Unlearned:
    """Train the backbone on the remain set with the original's schedule and random streams."""
    data = context.remain
    watch = Stopwatch(choose_device(context.device))
    training, device = train_backbone(
        context.module, context.backbone, data, context.options, context.seed, context.device
    )
    seconds = watch.lap()
    stages = {"train": seconds}
    cost = Cost(seconds, seconds, 1, training.steps, 0, str(device), stages)
    return Unlearned(training.model, cost, training.curve)

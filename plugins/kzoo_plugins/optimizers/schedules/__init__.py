"""Learning-rate schedules."""

from kzoo_plugins.optimizers.schedules.cyclical import Cyclical
from kzoo_plugins.optimizers.schedules.inverse_sqrt import InverseSqrt
from kzoo_plugins.optimizers.schedules.join import Join
from kzoo_plugins.optimizers.schedules.one_cycle import OneCycle
from kzoo_plugins.optimizers.schedules.warmup import WarmupCosine, WarmupStableDecay

__all__ = ["Cyclical", "InverseSqrt", "Join", "OneCycle", "WarmupCosine", "WarmupStableDecay"]

"""The path of an optimizer down a long valley."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from kzoo.plugins.build import build, parameters_of
from kzoo.plugins.targets import load_target
from website.plots.drawing import FAINT, LINES, Panel

START, STEPS = (-1.8, 1.2), 60
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
STEEP = 12.0
_FAR = 1e3
_OF_A_RUN = ("learning_rate", "start", "period", "warmup_steps")
"""Arguments of the examples that suit the length of a training, and not this one."""


def panels(entry):
    """Return the path with the best of some learning rates, and how far down each step comes."""
    paths = {rate: path for rate, path in _paths(entry) if np.isfinite(path).all() and np.abs(path).max() < _FAR}
    rate, path = min(paths.items(), key=lambda one: _height(one[1][-1]))
    heights = [max(_height(point), 1e-9) for point in path]

    def paint(axes):
        x, y = np.meshgrid(np.linspace(-2.2, 2.2, 89), np.linspace(-1.6, 1.6, 65))
        height, levels = (x**2 + STEEP * y**2) / 2, [0.05, 0.3, 1, 2.5, 5, 9, 14]
        axes.contour(x, y, height, levels=levels, colors=FAINT, linewidths=0.7)
        axes.plot(*np.clip(path, -3, 3).T, color=LINES[0], linewidth=1.4, marker="o", markersize=2.6)
        axes.plot(0, 0, color=LINES[1], marker="+", markersize=11, markeredgewidth=2)
        axes.set_xlim(-2.2, 2.2)
        axes.set_ylim(-1.6, 1.6)

    chosen = f"learning rate {rate:g}" if rate is not None else "its own rate"
    return [
        Panel(f"{STEPS} steps, {chosen}", "first weight", "second weight", paint=paint),
        Panel("height above the minimum", "step", "value", [("", np.arange(len(heights)), heights)], log=True),
    ]


def _height(point):
    return float(point[0] ** 2 + STEEP * point[1] ** 2) / 2


def _paths(entry):
    """Yield each learning rate with the places that the weights come to; None where there is no rate to set."""
    kept = {name: value for name, value in entry.spec.example.items() if name not in _OF_A_RUN}
    optimizer = build("optimizer", {"name": entry.name, **kept})
    weights = keras.Variable(np.array(START, "float32")[:, None])
    optimizer.build([weights])
    scale = tf.constant([[1.0], [STEEP]])

    @tf.function
    def step():
        optimizer.apply_gradients([(scale * tf.convert_to_tensor(weights), weights)])

    state = [*optimizer.variables, weights]
    begun = [np.array(one) for one in state]
    takes_rate = {"learning_rate", "inner"} & set(parameters_of(load_target(entry)))
    for rate in RATES if takes_rate else (None,):
        for variable, value in zip(state, begun, strict=True):  # traced once, begun anew for each rate
            variable.assign(value)
        if rate is not None:
            optimizer.learning_rate = rate
        path = [np.array(weights)[:, 0]]
        for _ in range(STEPS):
            step()
            path.append(np.array(weights)[:, 0])
        yield rate, np.array(path)


CAPTION = (
    f"The way down the valley (x² + {STEEP:g} y²) / 2 from one place. Of the learning rates "
    f"{', '.join(f'{rate:g}' for rate in RATES)} it is the one that ends lowest; how an optimizer does in a valley "
    "without noise says little of how it trains a network."
)

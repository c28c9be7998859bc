"""What Keras imports beside itself comes later, and works when it comes. In a process of its own."""

import subprocess
import sys

import pytest

CODE = """
import sys
from kzoo.engine import runtime

runtime.start()
import inspect, keras, numpy as np
inspect.getmodule(runtime.start.__code__)  # which asks every module for its file, as TensorFlow does
assert keras is sys.modules["keras"]
print(*(name in sys.modules for name in ("sklearn", "scipy.stats", "matplotlib.pyplot")))

import sklearn.base
def network(X, y):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model
estimator = keras.wrappers.SKLearnRegressor(network)
assert isinstance(estimator, sklearn.base.RegressorMixin)
x = np.ones((8, 2), "float32")
print(sklearn.base.clone(estimator).fit(x, x[:, 0], verbose=0).model_ is not None)
assert inspect.getsource(keras.wrappers) and "SKLearnRegressor" in dir(keras.wrappers)
from keras.wrappers import SKLearnClassifier
print(SKLearnClassifier.__module__)
keras.visualization.plot_image_gallery(np.zeros((1, 4, 4, 3)), rows=1, cols=1)
print("matplotlib.pyplot" in sys.modules, type(sys.meta_path[0]).__name__ == "_Finder")
"""


@pytest.mark.long
def test_scikit_learn_and_pyplot_come_when_they_are_asked_for(tmp_path):
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "False False False",
        "True",
        "keras.src.wrappers.sklearn_wrapper",
        "True False",
    ]

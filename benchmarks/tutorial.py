"""The networks of the well-known tutorials, from plain layers, as their readers write them."""


def network(pipeline, shape, classes):
    """Return the tutorial's network for ``mnist`` or ``cifar10``; it takes numbers from 0 to 1."""
    import keras

    layers = [keras.Input(shape)]
    for _ in range(2 if pipeline == "cifar10" else 1):
        layers += [keras.layers.Conv2D(32, (4, 4), activation="relu"), keras.layers.MaxPool2D((2, 2))]
    hidden = 256 if pipeline == "cifar10" else 128
    layers += [keras.layers.Flatten(), keras.layers.Dense(hidden, activation="relu")]
    return keras.Sequential([*layers, keras.layers.Dense(classes, activation="softmax")])

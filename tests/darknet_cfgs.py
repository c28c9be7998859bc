"""Cfg files of Darknet, put together from their sections."""

__all__ = ["convolution", "head", "net", "section"]


def section(name, **keys):
    """Return a section with its keys in the order given."""
    return "".join([f"[{name}]\n", *(f"{key}={value}\n" for key, value in keys.items()), "\n"])


def net(width, height, **keys):
    """Return the first section, of a network of colour images."""
    return section("net", width=width, height=height, channels=3, **keys)


def convolution(filters, size, stride=1, activation="leaky", *, pad=1, groups=1, normalized=True, **keys):
    """Return a convolution, with batch normalization where it is not said otherwise."""
    norm = {"batch_normalize": 1} if normalized else {}
    return section(
        "convolutional",
        **norm,
        filters=filters,
        size=size,
        stride=stride,
        pad=pad,
        groups=groups,
        activation=activation,
        **keys,
    )


def head(classes=2, anchors="9,8,20,30,60,50"):
    """Return a head that has its anchors for itself, and before it the linear convolution that it reads."""
    count = len(anchors.split(",")) // 2
    mask = ",".join(map(str, range(count)))
    return section("convolutional", filters=count * (5 + classes), size=1, activation="linear") + section(
        "yolo", mask=mask, classes=classes, num=count, anchors=anchors
    )

"""What can be set: how pictures are read and damaged, which network, how it is trained, how it is used."""

from __future__ import annotations

from typing import Annotated, Literal

from kzoo.settings import setting, settings

__all__ = [
    "SMALLEST_PATCH",
    "AugmentSettings",
    "NetworkSettings",
    "PictureSettings",
    "ReaderSettings",
    "SampleSettings",
]

SMALLEST_PATCH = 16


@settings
class SampleSettings:
    """What is done to pictures."""

    damage: Annotated[
        str,
        setting(
            "What is to be undone: noise:sigma=25, downscale:factor=2, jpeg:quality=20 or blur:sigma=2; a number that "
            "is drawn for each picture as in noise:sigma=[0,50]; by itself the first of these, or what the damaged "
            "pictures of pairs have."
        ),
    ] = ""
    patch: (
        Annotated[
            int,
            setting(
                "The side of the squares of the true pictures that a network learns from; by itself 64, or 32 to 64 "
                "where the smallest picture has no more.",
                ge=SMALLEST_PATCH,
                le=1024,
            ),
        ]
        | None
    ) = None
    channels: Annotated[
        Literal[1, 3, "auto"],
        setting("1 for pictures in gray, 3 for colours; by itself 3 unless all pictures are gray."),
    ] = "auto"


@settings
class PictureSettings(SampleSettings):
    """How pictures are read."""

    unreadable: Annotated[
        Literal["stop", "skip"],
        setting("What to do about pictures that cannot be used: stop and name them, or skip them and say so."),
    ] = "stop"


@settings
class NetworkSettings:
    """How wide and deep the network is."""

    width: Annotated[int, setting("The channels of its convolutions.", ge=4, le=512)] = 48
    blocks: Annotated[int, setting("Its residual blocks, of two convolutions each.", ge=1, le=64)] = 4
    patches: (
        Annotated[
            int,
            setting(
                "Patches of each picture in an epoch; by itself as many as cover it on average, at most 16, and more "
                "where all pictures together would have fewer than 8,192.",
                ge=1,
            ),
        ]
        | None
    ) = None


@settings
class AugmentSettings:
    """How patches are changed at random."""

    places: Annotated[bool, setting("Whether patches lie anywhere in a picture, and not always at one place.")] = True
    mirror: Annotated[bool, setting("Whether half of the patches are mirrored, left and right.")] = True
    turn: Annotated[bool, setting("Whether patches are turned by right angles.")] = True


@settings
class ReaderSettings:
    """How pictures are restored, and where they go."""

    restored: Annotated[str, setting("A folder for the restored pictures as PNG, of a film one for each frame.")] = ""
    beside: Annotated[
        bool, setting("Whether what is drawn shows each picture before and after, with a part of both magnified.")
    ] = False
    tile: Annotated[
        int, setting("The side of the squares that larger pictures go through the network in.", ge=64, le=4096)
    ] = 512
    batch: Annotated[int, setting("The most pictures that are read at once.", ge=1)] = 8

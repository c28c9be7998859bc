"""What goes wrong between a network from a file and the pipeline that its card names, said with both names."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kzoo.errors import ComponentError, KzooError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["naming"]

_LONGEST = 400


@contextlib.contextmanager
def naming(model: str, reader: object) -> Iterator[None]:
    """Have the block's errors name the model and who works with it; those that kzoo words itself stay as they are.

    Args:
        model: The model, as in "the model runs/a/model.keras"; empty where it is not known here.
        reader: The pipeline or its reader.

    Raises:
        KzooError: The block raised something that is none.
    """
    try:
        yield
    except ComponentError as error:
        message = f"{error} A card that was put into another model than {model or 'its own'} does that, too."
        raise ComponentError(message) from error
    except KzooError:
        raise
    except Exception as error:
        who = f"{type(reader).__module__}.{type(reader).__name__}"
        reason = " ".join(str(error).split())
        reason = f"{type(error).__name__}: {reason[:_LONGEST]}" if reason else type(error).__name__
        message = (
            f"`{who}` cannot work with {model or 'its network'}: {reason.rstrip('.')}. Either that is not the network "
            "of this pipeline, as where a card was put into another model, or there is a fault in the pipeline: "
            "--debug shows where it happened."
        )
        raise KzooError(message) from error

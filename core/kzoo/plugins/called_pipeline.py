"""A pipeline as kzoo calls it: what its author's code raises says whose it is, and what it returns is looked at."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from kzoo.pipeline import Built, DataSource, FromPath, FromSample, Pipeline, Prediction, Reader
from kzoo.plugins.foreign_code import calling, wrong_answer
from kzoo.plugins.targets import load_target

if TYPE_CHECKING:
    from kzoo.plugin import PipelineSpec
    from kzoo.plugins.registry import Entry

__all__ = ["called_pipeline"]


def called_pipeline(entry: Entry[PipelineSpec]) -> Pipeline:
    """Return the pipeline of an entry, which behaves as the author's own object does.

    Raises:
        KzooError: It cannot be imported, cannot be made, or is no `kzoo.pipeline.Pipeline`.
    """
    target = load_target(entry)
    with calling(entry, "when it was made"):
        pipeline = target()
    if not isinstance(pipeline, Pipeline):
        raise wrong_answer(entry, f"is {_described(pipeline)}, and a pipeline derives from kzoo.pipeline.Pipeline")
    return cast("Pipeline", _Called(pipeline, entry))


class _Called:
    """Stands for an object of the author's: every method goes through `calling`."""

    def __init__(self, inner: Any, entry: Entry[PipelineSpec], part: str = "") -> None:
        self._inner, self._entry, self._part = inner, entry, part

    def __getattr__(self, name: str) -> Any:
        if name in ("_inner", "_entry", "_part"):  # not there yet, as in a copy that is being made
            raise AttributeError(name)
        doing = f"in `{self._part}{name}`"
        if not hasattr(type(self._inner), name) and not hasattr(self._inner, name):
            raise AttributeError(name)
        with calling(self._entry, doing):
            found = getattr(self._inner, name)
        if not callable(found) or inspect.isclass(found):
            return found

        @functools.wraps(found)
        def call(*args: Any, **kwargs: Any) -> Any:
            with calling(self._entry, doing):
                answer = found(*args, **kwargs)
            if self._part + name == "reader().predict":
                self._check_predictions(answer, len(args[0]))
            return self._looked_at(name, answer)

        return call

    def __repr__(self) -> str:
        return f"<{self._entry.qualified}: {self._inner!r}>"

    def _looked_at(self, name: str, answer: Any) -> Any:
        """Return what a method returned, made of objects like this one where it will be called later."""
        wanted = _answers().get(self._part + name)
        if wanted is None:
            return answer
        if not isinstance(answer, wanted):
            message = f"returned {_described(answer)} from `{self._part}{name}`, where a {wanted.__name__} is due"
            raise wrong_answer(self._entry, message)
        for field, types in _parts().get(wanted, {}).items():
            if not isinstance(value := getattr(answer, field), types):
                message = f"returned {_described(value)} as `{field}` of what `{self._part}{name}` returns"
                raise wrong_answer(self._entry, message)
        if isinstance(answer, DataSource):
            path = _Called(answer.path, self._entry, "source().path.")
            sample = _Called(answer.sample, self._entry, "source().sample.")
            return replace(answer, path=cast("Any", path), sample=cast("Any", sample))
        if isinstance(answer, Reader):
            return _Called(answer, self._entry, "reader().")
        if isinstance(answer, Built):
            self._check_model(answer.model)
        return answer

    def _check_predictions(self, answer: Any, count: int) -> None:
        if not isinstance(answer, (list, tuple)) or not all(isinstance(one, Prediction) for one in answer):
            message = f"returned {_described(answer)} from `reader().predict`, where a list of predictions is due"
            raise wrong_answer(self._entry, message)
        if len(answer) != count:
            message = f"returned {len(answer)} predictions for {count} inputs from `reader().predict`"
            raise wrong_answer(self._entry, message)

    def _check_model(self, model: Any) -> None:
        import keras

        if not isinstance(model, keras.Model):
            what = f"returned {_described(model)} as the model of `build`, where a keras.Model is due"
            raise wrong_answer(self._entry, what)


@functools.cache
def _answers() -> dict[str, type]:
    """Return what methods must return, by their names."""
    from kzoo.data.splits import Dataset  # with NumPy, which no list waits for

    return {
        "recipes": dict,
        "source": DataSource,
        "source().path.load": Dataset,
        "source().sample.make": Dataset,
        "build": Built,
        "reader": Reader,
    }


@functools.cache
def _parts() -> dict[type, dict[str, type | tuple[type, ...]]]:
    """Return what fields of those answers must be."""
    from kzoo.data.splits import Dataset, Split

    nothing = type(None)
    return {
        DataSource: {"path": FromPath, "sample": FromSample, "without_real": str},
        Dataset: {
            "train": Split,
            "test": Split,
            "validation": (Split, nothing),
            "class_names": (tuple, list),
            "description": str,
        },
        Built: {
            "augment": (Callable, nothing),  # type: ignore[dict-item]
            "encode": (Callable, nothing),  # type: ignore[dict-item]
            "card": Mapping,
            "notes": (tuple, list),
            "unfreeze": Callable,  # type: ignore[dict-item]
            "finish": (Callable, nothing),  # type: ignore[dict-item]
        },
    }


def _described(value: Any) -> str:
    return "None" if value is None else f"an object of the type `{type(value).__name__}`"

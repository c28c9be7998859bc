"""What a ``data.yaml`` or Darknet's ``obj.data`` states: the names of the classes, and where the splits are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from kzoo.data.split_names import split_word
from kzoo.data.texts import reason_of, text_of
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Stated", "stated_in_data", "stated_in_yaml"]

_LONGEST, _DEEPEST = 1_000_000, 8  # bytes, and lists in lists
_ABSENT = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_TAGS = frozenset(
    {None, "!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))}
)


@dataclass(frozen=True)
class Stated:
    """What a file states.

    Attributes:
        path: The file.
        names: The names of the classes in their order; none where `names_file` has them.
        splits: By split: the key, and the folders, lists or patterns that it names.
        root: The folder that the paths begin in, as it is written; empty where the file does not say.
        names_file: The file with the names of the classes, as it is written.
        count: The number of classes, where the file says it.
    """

    path: Path
    names: tuple[str, ...]
    splits: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    root: str = ""
    names_file: str = ""
    count: int | None = None


def stated_in_yaml(path: Path) -> Stated:
    """Return what a ``data.yaml`` states.

    All values are the texts that stand there: a class may be called ``no``, ``1.10`` or ``null``.

    Raises:
        DataError: It is no yaml of this form, refers to its own parts, is nested deeply or longer than 1 MB.
    """
    content = _parsed(path)
    if not isinstance(content, dict):
        message = f"{path} holds no keys: expected `train`, `val` and `names`."
        raise DataError(message)
    count = content.get("nc")
    root = content.get("path", "")
    names = _names(path, content.get("names"))
    splits: dict[str, tuple[str, tuple[str, ...]]] = {}
    for key, value in content.items():
        split = split_word(key)
        entries = value if isinstance(value, list) else [value]
        if split is None or (isinstance(value, str) and value in _ABSENT):
            continue
        if split in splits:
            message = f"{path} has both `{splits[split][0]}` and `{key}`: one {split} split too many."
            raise DataError(message)
        if not all(isinstance(entry, str) for entry in entries):
            message = f"{path}: `{key}` must be a folder, a text file that lists images, or a list of these."
            raise DataError(message)
        if entries:
            splits[split] = key, tuple(entries)
    return Stated(
        path, names, splits, root if isinstance(root, str) and root not in _ABSENT else "", count=_whole(count)
    )


def stated_in_data(path: Path) -> Stated:
    """Return what Darknet's ``obj.data`` states: lines ``key = value``, of which train, valid and names are files.

    Raises:
        DataError: It is no text of this form.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if not equals or key in found:
            message = f"{path}:{number}: expected a line of the form `train = data/train.txt`, and each key once."
            raise DataError(message)
        found[key] = value
    if not found.get("names"):
        message = f"{path} has no `names`: the file with the names of the classes, one a line."
        raise DataError(message)
    splits = {
        split: (key, (found[key],))
        for key in found
        # `eval = coco` says how the original measures.
        if key != "eval" and (split := split_word(key)) is not None and found[key]
    }
    return Stated(path, (), splits, names_file=found["names"], count=_whole(found.get("classes")))


def _text(path: Path) -> str:
    try:
        return text_of(path, _LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error


def _whole(text: Any) -> int | None:
    """Return a whole number of at most nine digits; None for all else."""
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) <= 9 else None  # noqa: PLR2004


def _names(path: Path, names: Any) -> tuple[str, ...]:
    if isinstance(names, dict):
        numbers = {_whole(key): value for key, value in names.items()}
        if set(numbers) != set(range(len(names))):
            message = f"{path}: `names` must number the classes from 0 without gaps, not {', '.join([*names][:20])}."
            raise DataError(message)
        names = [numbers[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        message = f"{path} has no `names`: the list of the classes."
        raise DataError(message)
    if not all(isinstance(name, str) and name.strip() for name in names):
        message = f"{path}: `names` must be a list of texts, one for each class."
        raise DataError(message)
    return tuple(name.strip() for name in names)


def _parsed(path: Path) -> Any:
    """Return a yaml as lists, dicts and texts.

    It is built from the events of the parser: the loaders of PyYAML make numbers and truths of names, take the last of
    two keys, and follow references that make a few lines as large as the memory.
    """
    import yaml

    whole: list[Any] = []
    open_lists: list[list[Any]] = []
    try:
        for event in yaml.parse(_text(path), Loader=yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):
                _refuse(path, event, f"it refers to its own part `{event.anchor}` with *, which no data.yaml needs")
            if getattr(event, "tag", None) not in _PLAIN_TAGS:
                _refuse(path, event, f"it has the tag `{event.tag}`, which no data.yaml needs")
            if isinstance(event, yaml.DocumentStartEvent) and whole:
                _refuse(path, event, "it holds a second document after `---`")
            if isinstance(event, yaml.CollectionStartEvent):
                if len(open_lists) == _DEEPEST:
                    _refuse(path, event, f"it is nested more than {_DEEPEST} levels deep")
                open_lists.append([])
            elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionEndEvent)):
                value = event.value if isinstance(event, yaml.ScalarEvent) else open_lists.pop()
                if isinstance(event, yaml.MappingEndEvent):
                    value = _mapping(path, event, value)
                (open_lists[-1] if open_lists else whole).append(value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        message = f"{where} cannot be read as yaml: {getattr(error, 'problem', None) or str(error).splitlines()[0]}."
        raise DataError(message) from error
    return whole[0] if whole else None


def _mapping(path: Path, event: Any, items: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str):
            _refuse(path, event, "a key is no text")
        if key in found:
            _refuse(path, event, f"it has the key `{key}` twice")
        found[key] = value
    return found


def _refuse(path: Path, event: Any, reason: str) -> NoReturn:
    message = f"{path}:{event.start_mark.line + 1} cannot be read as yaml: {reason}."
    raise DataError(message)

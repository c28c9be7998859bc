"""What kzoo finds on this machine without starting TensorFlow: versions, processor, plugins, cameras, folders."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo._version import __version__
from kzoo.doctor.choices import choices
from kzoo.engine.runtime import KERAS_NEEDS, keras_file
from kzoo.processor import instructions, processor_name, usable_processors

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Finding", "findings"]

_PACKAGES = ("tensorflow", "keras", "numpy", "typer", "rich", "opencv-python-headless", "matplotlib", "scikit-learn")

_FLAGS = (
    "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "KERAS_BACKEND", "KERAS_HOME", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "KZOO_DATA", "KZOO_MIRROR", "KZOO_PLUGINS",
)  # fmt: skip

_INSTRUCTIONS = (
    *("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_bf16"),
    *("neon", "asimd"),
)
"""Those of the processor that decide how fast TensorFlow is; its usual builds need the first."""

_LITTLE_ROOM = 2**30

_OTHER_TENSORFLOWS = ("tensorflow-cpu", "tensorflow-intel", "tensorflow-macos", "tf-nightly")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        section: What it belongs to.
        name: What it is.
        value: What was found, as JSON has it.
        state: ``warning`` or ``error`` where something is wrong; else an empty text.
        says: What is wrong, and what to do.
    """

    section: str
    name: str
    value: Any
    state: str = ""
    says: str = ""


def findings() -> list[Finding]:
    """Return all that there is to tell, in its order; nothing is imported that takes long."""
    return [
        *_versions(),
        *_processor(),
        *_choices(),
        *_flags(),
        *_keras(),
        *_plugins(),
        *_cameras(),
        *_folders(),
        *_extras(),
    ]


def _versions() -> Iterator[Finding]:
    yield Finding("versions", "kzoo", __version__)
    yield Finding("versions", "python", f"{platform.python_version()} ({sys.executable})")
    for name in _PACKAGES:
        version = _version(name)
        if version is None and name == "tensorflow":
            version = next((f"{_version(one)} ({one})" for one in _OTHER_TENSORFLOWS if _version(one)), None)
        if version is None:
            says = f"It is not installed: `pip install {name}`, or kzoo anew, which needs it."
            yield Finding("versions", name, None, "error", says)
        else:
            yield Finding("versions", name, version)
    yield Finding("versions", "system", platform.platform())


def _version(name: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return None


def _processor() -> Iterator[Finding]:
    yield Finding("processor", "name", processor_name() or platform.machine())
    yield Finding("processor", "threads", {"there": os.cpu_count(), "usable": usable_processors()})
    if there := instructions():
        found = [one for one in _INSTRUCTIONS if one in there]
        lacks = platform.machine() in ("x86_64", "AMD64") and "avx" not in there
        says = "TensorFlow's usual builds need a processor with AVX, and die on this one: use another build."
        yield Finding("processor", "instructions", found, "error" if lacks else "", says if lacks else "")
    with contextlib.suppress(OSError, ValueError, AttributeError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        yield Finding("processor", "memory", f"{memory / 2**30:.1f} GB")


def _choices() -> Iterator[Finding]:
    for name, why in choices(instructions(), usable_processors()):
        yield Finding("it computes with", name, why)


def _flags() -> Iterator[Finding]:
    for name in _FLAGS:
        if (value := os.environ.get(name)) is not None:
            yield Finding("environment", name, value)
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        says = "Training takes about twice as long with it on many processors: unset it, unless you need it."
        yield Finding("environment", "oneDNN", "off", "warning", says)
    if (backend := os.environ.get("KERAS_BACKEND") or "tensorflow") != "tensorflow":
        says = f"KERAS_BACKEND is `{backend}`, and kzoo trains on TensorFlow: unset it, or set it to `tensorflow`."
        yield Finding("environment", "backend", backend, "error", says)


def _keras() -> Iterator[Finding]:
    """Look at Keras's own settings file, where there is one."""
    file = Path(keras_file())
    if not file.exists():
        return
    settings = None
    with contextlib.suppress(OSError, ValueError):  # which is said below
        settings = json.loads(file.read_text("utf-8"))
    if not isinstance(settings, dict):
        says = "Keras cannot read its settings, and does not start: mend that file, or remove it."
        yield Finding("environment", str(file), "unreadable", "error", says)
        return
    wanted = {
        name: values for name, values in KERAS_NEEDS.items() if name != "backend" or "KERAS_BACKEND" not in os.environ
    }
    wrong = [name for name, values in wanted.items() if name in settings and settings[name] not in values]
    says = "; ".join(f"kzoo needs {' or '.join(wanted[name])} as `{name}`, not {settings[name]!r}" for name in wrong)
    shown = ", ".join(f"{name} {value}" for name, value in settings.items())
    says = f"{says}. Change it there." if wrong else ""
    yield Finding("environment", str(file), shown, "error" if wrong else "", says)


def _plugins() -> Iterator[Finding]:
    from kzoo.plugins.listed import plugin_rows

    for row in plugin_rows():
        name = f"{row['distribution']} {row['version']} {row['entry_point']}".strip()
        published = ", ".join(f"{kind} {count}" for kind, count in row["publishes"].items())
        broken = row["status"] not in ("ok", "disabled")
        says = f"{row['status']}. Upgrade or uninstall {row['distribution']}; `--no-plugin` leaves it out."
        value = f"{row['status']}{f': {published}' if published else ''}"
        yield Finding("plugins", name, value, "warning" if broken else "", says if broken else "")


def _cameras() -> Iterator[Finding]:
    """List the cameras as the system does; none is opened, since that would light its lamp."""
    if not sys.platform.startswith("linux"):
        yield Finding("cameras", "cameras", "not listed on this system; `kzoo predict MODEL 0` tries the first one")
        return
    devices = sorted(Path("/dev").glob("video*"), key=lambda path: (len(path.name), path.name))
    if not devices:
        yield Finding("cameras", "cameras", "none")
    for path in devices:
        described = Path("/sys/class/video4linux") / path.name / "name"
        title = "a camera"
        with contextlib.suppress(OSError, UnicodeDecodeError):
            title = described.read_text("utf-8").strip()
        usable = os.access(path, os.R_OK | os.W_OK)
        says = f"You may not read {path}: add yourself to the group `video`, and log in anew."
        yield Finding("cameras", str(path), title, "" if usable else "warning", "" if usable else says)


def _folders() -> Iterator[Finding]:
    from kzoo.data.cache import home_path
    from kzoo.runs.folder import DEFAULT_ROOT

    yield _folder("data sets", home_path(), "Name another one with the environment variable KZOO_DATA.")
    yield _folder("runs", DEFAULT_ROOT.absolute(), "Name another one with `--out`, or `cd` to another folder.")
    try:
        temporary = Path(tempfile.gettempdir())
    except OSError as error:
        says = f"{error.strerror}. TensorFlow needs one: make room, or name one in TMPDIR."
        yield Finding("folders", "temporary files", None, "error", says)
        return
    yield _folder("temporary files", temporary, "Name another one in TMPDIR.")


def _folder(name: str, path: Path, otherwise: str) -> Finding:
    """Return whether a folder can be written to, or made; nothing is left there."""
    there = next((one for one in (path, *path.parents) if one.exists()), Path("/"))
    if not there.is_dir():
        return Finding("folders", name, str(path), "error", f"{there} is a file, no folder. {otherwise}")
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        says = f"{there} cannot be written to: {error.strerror}. {otherwise}"
        return Finding("folders", name, f"{path} (not writable)", "error", says)
    free = shutil.disk_usage(there).free
    value = f"{path}, {free / 2**30:,.1f} GB free"
    little = free < _LITTLE_ROOM
    says = f"Only {free / 2**20:,.0f} MB are free at {there}. {otherwise}"
    return Finding("folders", name, value, "warning" if little else "", says if little else "")


def _extras() -> Iterator[Finding]:
    """Look for what kzoo can do with packages that it does not need; those of its own development are left out."""
    try:
        required = importlib.metadata.requires("kzoo") or []
    except importlib.metadata.PackageNotFoundError:
        return
    for line in required:
        found = re.match(r"([\w.-]+).*extra == ['\"](\w+)['\"]", line)
        if found is None or found[2] in ("test", "check", "dev"):
            continue
        name, extra = found[1], found[2]
        version = _version(name)
        missing = f"not installed; `pip install 'kzoo[{extra}]'` adds it"
        yield Finding("optional", f"{extra}: {name}", version or missing)

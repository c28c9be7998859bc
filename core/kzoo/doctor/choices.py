"""What kzoo computes with on this machine, and why: said before TensorFlow is started."""

from __future__ import annotations

import os
from pathlib import Path

from kzoo.engine.engines import engine_shown, engines_installed
from kzoo.engine.forward import TENSORFLOW
from kzoo.processor import computes_in_bfloat16

__all__ = ["choices"]

_OWN_ONEDNN = ("avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile")
"""Where a processor has one of these, TensorFlow turns oneDNN on by itself."""
_GPUS = Path("/proc/driver/nvidia/gpus")


def choices(instructions: frozenset[str], threads: int) -> list[tuple[str, str]]:
    """Return what is chosen, each with a sentence that says why.

    Args:
        instructions: Those of the processor, as Linux names them; empty where they are not known.
        threads: The processors that this process may use.
    """
    gpus = list(_GPUS.iterdir()) if _GPUS.is_dir() else []
    device = f"{len(gpus)} of Nvidia, which TensorFlow uses if it finds CUDA" if gpus else "none found"
    precision = "float32, without XLA: the same on every machine"
    if gpus:
        precision += ". On this one `-o train.precision=auto -o train.jit=auto` is worth a try"
    elif computes_in_bfloat16():
        precision += ". This processor trains faster in bfloat16: `-o train.precision=auto`, 1.3 to 1.6 times in trials"
    return [
        ("GPU", device),
        ("oneDNN", _onednn(instructions)),
        ("precision", precision),
        ("TensorFlow's threads", _threads(threads)),
        ("predictions", _engines()),
    ]


def _onednn(instructions: frozenset[str]) -> str:
    given = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    if given is not None:
        return f"{'off' if given == '0' else 'on'}: TF_ENABLE_ONEDNN_OPTS is {given}"
    own = next((one for one in _OWN_ONEDNN if one in instructions), "")
    if own:
        return f"on: TensorFlow turns it on by itself on a processor with {own}, and kzoo on all others"
    return "on: kzoo sets TF_ENABLE_ONEDNN_OPTS=1, as TensorFlow leaves it off here; training is about twice as fast"


def _engines() -> str:
    other = next((engine for engine in engines_installed() if engine != TENSORFLOW), "")
    if other:
        return f"TensorFlow; with `--engine auto` {engine_shown(other)}, to which the model is exported once"
    return "TensorFlow, the only engine installed; `pip install 'kzoo[openvino]'` adds another for `--engine auto`"


def _threads(usable: int) -> str:
    given = os.environ.get("TF_NUM_INTRAOP_THREADS")
    if given:
        return f"{given}: TF_NUM_INTRAOP_THREADS says so"
    return (
        f"{usable}: one for each processor that this process may use. Another number changes results in the last digits"
    )

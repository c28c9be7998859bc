import subprocess
import sys
from pathlib import Path

import kzoo_zoo


def test_pipelines_and_readers_import_no_keras():
    """A model is opened before TensorFlow starts, or without it where it was exported: what is said then is kzoo's."""
    root = Path(kzoo_zoo.__file__).parent
    files = sorted([*root.glob("*/pipeline.py"), *root.glob("**/*reader.py")])
    names = [".".join(("kzoo_zoo", *file.relative_to(root).with_suffix("").parts)) for file in files]
    assert "kzoo_zoo.restoration.reader" in names
    script = f"""
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
    heavy = [heavy for heavy in ("tensorflow", "keras") if heavy in sys.modules]
    assert not heavy, (name, heavy)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr

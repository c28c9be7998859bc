"""TensorFlow's start: what it says is heard, and what it cannot work with is refused. In processes of their own."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile

import pytest

REASON = "The TensorFlow library was compiled to use AVX instructions, but these aren't available on your machine."
CHATTER = "2026-01-02 03:04:05.678: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on."
START = "from kzoo.cli.app import _report; from kzoo.engine import runtime\ntry: runtime.start()\n"
START += "except Exception as error: raise SystemExit(_report(error, ''))\nprint('started')"


@pytest.fixture
def start(tmp_path):
    """Return a function that starts kzoo's engine with this code as the module tensorflow, and a Keras like it."""

    def call(tensorflow="", keras="import tensorflow\nimport keras.config as config", **variables):
        (tmp_path / "keras").mkdir()
        (tmp_path / "keras" / "__init__.py").write_text(keras)
        (tmp_path / "keras" / "config.py").write_text(
            "def backend(): return 'tensorflow'\ndef floatx(): return 'float32'\n"
            "def image_data_format(): return 'channels_last'\n"
        )
        nothing = "class config:\n  list_physical_devices = staticmethod(lambda: [])\n"
        (tmp_path / "tensorflow.py").write_text(f"import os\n{nothing}{tensorflow}")
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), **variables}
        return subprocess.run(
            [sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=False
        )

    return call


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGILL])
def test_the_last_words_of_a_process_that_dies_are_heard(number, start):
    text = f"{CHATTER}\n{REASON}\n".encode()
    done = start(f"os.write(2, {text!r}); os.kill(os.getpid(), {int(number)})")
    assert done.returncode == -number
    assert done.stderr.startswith(f"{REASON}\nerror: kzoo was ended while TensorFlow was being imported.")
    assert done.stderr.count("\n") == 2


def test_chatter_is_left_out_and_all_else_is_passed_on(start):
    done = start(f"os.write(2, b'{CHATTER}\\nheard\\nunended')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "started\n", "heard\nunended")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ImportError('libtensorflow.so: cannot open')", "libtensorflow.so: cannot open"),
        ("raise RuntimeError('numpy 1 was expected')", "RuntimeError: numpy 1 was expected"),
        ("raise SystemExit('no')", "SystemExit: no"),
    ],
)
def test_what_its_import_raises_is_one_sentence(code, said, start):
    done = start(f"os.write(2, b'why\\n')\n{code}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"why\nerror: TensorFlow cannot be imported: {said}. Reinstall it")


@pytest.mark.parametrize("backend", ["torch", "jax", "TensorFlow"])
def test_another_backend_is_refused_before_anything_is_imported(backend, start):
    done = start("raise AssertionError", KERAS_BACKEND=backend)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: kzoo trains on TensorFlow, but KERAS_BACKEND is `{backend}`. Unset it")


def test_without_standard_error_it_starts_as_well(start):
    assert start("os.close(2)").returncode == 0


@pytest.mark.parametrize(
    ("setting", "wanted", "found"),
    [
        ("image_data_format", "channels_last", "channels_first"),
        ("floatx", "float32", "float16"),
        ("backend", "tensorflow", "jax"),
    ],
)
def test_settings_of_keras_that_do_not_fit_are_refused(setting, wanted, found, monkeypatch):
    import keras

    from kzoo.engine import runtime
    from kzoo.errors import KzooError

    monkeypatch.setattr(keras.config, setting, lambda: found)
    with pytest.raises(KzooError, match=rf"needs `{wanted}`.* `{setting}`.* it is `{found}`, from .*keras\.json or "):
        runtime.start()


def test_without_a_temporary_folder_it_says_so(monkeypatch):
    from kzoo.engine import runtime
    from kzoo.errors import KzooError

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    with pytest.raises(KzooError, match=r"no folder for temporary files.* Make room, or name another folder in TMPDIR"):
        runtime.start()


def test_a_damaged_file_of_keras_is_named(tmp_path):
    (tmp_path / "keras.json").write_text('{"floatx": "int7"}')
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        f"error: Keras cannot read its settings, {tmp_path / 'keras.json'}: ValueError: Invalid `floatx`" in done.stderr
    )


class Watched(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_is_told_that_it_starts_and_the_word_goes_again(monkeypatch):
    from kzoo.engine import runtime

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(sys, "stderr", stream := Watched())
    with runtime._announcing():
        assert stream.getvalue() == "Starting TensorFlow ..."
    assert stream.getvalue().removeprefix("Starting TensorFlow ...") == f"\r{' ' * 23}\r"
    for watched in (True, False):
        monkeypatch.setattr(sys, "stderr", stream := Watched() if watched else io.StringIO())
        with runtime.unannounced() if watched else contextlib.nullcontext(), runtime._announcing():
            pass
        assert stream.getvalue() == ""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stderr", stream := Watched())
    with runtime._announcing():
        assert stream.getvalue() == ""

"""Files of each kind that kzoo reads, changed at random: read, or refused in one paragraph, at once and in 1 GB."""

import resource
import subprocess
import sys
from pathlib import Path

import mutations
import pytest
from mutated_files import FILES
from mutations import mutated, survive

FOLDER = Path(mutations.__file__).parent


def tried(name, place, *, count, seed=0):
    """Return what became of so many changed versions of a file."""
    content, read = FILES[name]
    path = place / "in" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    read(path)

    def changed(data):
        path.write_bytes(data)
        read(path)

    return survive(mutated(content, count, seed=seed), changed)


@pytest.mark.parametrize("name", FILES)
def test_a_handful_of_each_kind(name, tmp_path):
    found = tried(name, tmp_path, count=2 * len(mutations.KINDS), seed="quick")
    assert found.unexpected == [], found
    assert found.counts["refused"], found


MANY = """
import re, sys, tempfile, warnings
from pathlib import Path
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
from test_mutated_files import FILES, tried
for name in FILES:
    with tempfile.TemporaryDirectory() as place:
        found = tried(name, Path(place), count=int(sys.argv[2]), seed="long")
    print(name, found, flush=True)
    print(*(f"UNEXPECTED {name} {one}" for one in found.unexpected), sep="\\n", end="\\n" * bool(found.unexpected))
# Not ru_maxrss: a process begins with that of the one which started it.
print("MiB", int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.long
def test_hundreds_of_each_kind_in_one_process_of_a_gigabyte(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", MANY, str(FOLDER), "300"],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )
    sys.stdout.write(done.stdout)  # the counts, for whoever asks with -s
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UNEXPECTED" not in done.stdout
    assert int(done.stdout.split()[-1]) < 1024, done.stdout

"""Downloads: whole, resumed, refused, and by two processes at once."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import kzoo
from kzoo.data.cache import DiskFullError
from kzoo.data.download import RemoteFile, cached, fetch
from kzoo.errors import DataError, NetworkUnreachableError


def part_of(home):
    return home / "sets" / "set.bin.part"


def left_in(home):
    """Return what is in the cache besides the lock."""
    return sorted(path.name for path in (home / "sets").iterdir() if path.suffix != ".lock")


@pytest.fixture
def refused_url():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/set.bin"


def test_a_whole_download_is_the_file_and_nothing_else(server, home):
    path = fetch(server.remote())
    assert path == home / "sets" / "set.bin"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == server.sha256
    assert left_in(home) == ["set.bin"]
    assert server.asked == [None]


def test_progress_counts_up_to_the_size(server, home):
    seen = []
    fetch(server.remote(), progress=lambda *args: seen.append(args))
    size = len(server.content)
    assert seen[0] == (0, size, "set.bin")
    assert seen[-1] == (size, size, "set.bin")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


def test_a_cached_file_needs_no_network(server, home, refused_url):
    path = fetch(server.remote())
    remote = server.remote(urls=(refused_url,))
    assert fetch(remote) == path
    assert cached(remote) == path


def test_a_cached_file_is_found_where_nothing_can_be_written(server, home, refused_url, monkeypatch):
    path = fetch(server.remote())
    monkeypatch.setattr("kzoo.data.download.ensure_writable", pytest.fail)
    assert fetch(server.remote(urls=(refused_url,))) == path


def test_a_damaged_cached_file_is_downloaded_again(server, home):
    path = fetch(server.remote())
    path.write_bytes(bytes([server.content[0] ^ 1]) + server.content[1:])
    assert cached(server.remote()) is None
    fetch(server.remote())
    assert path.read_bytes() == server.content
    assert server.asked == [None, None]


def test_a_lost_connection_is_taken_up_at_once(server, home):
    server.drop_after = [100_000]
    assert fetch(server.remote()).read_bytes() == server.content
    assert server.asked == [None, "bytes=100000-"]


def test_what_came_through_is_kept_for_the_next_call(server, home):
    server.drop_after = [100_000, 50_000, 25_000]
    with pytest.raises(DataError, match=r"interrupted: .* \(175\.0 kB\) is kept: run the same command again to resume"):
        fetch(server.remote())
    assert part_of(home).read_bytes() == server.content[:175_000]
    assert not (home / "sets" / "set.bin").exists()
    server.asked.clear()
    seen = []
    assert fetch(server.remote(), progress=lambda *args: seen.append(args)).read_bytes() == server.content
    assert server.asked == ["bytes=175000-"]
    assert seen[0][0] == 175_000
    assert left_in(home) == ["set.bin"]


def test_an_interrupt_from_the_keyboard_keeps_what_came_through(server, home):
    def stop(done, total, name):
        if done > 200_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.remote(), progress=stop)
    kept = part_of(home).stat().st_size
    assert kept > 200_000
    assert fetch(server.remote()).read_bytes() == server.content
    assert server.asked == [None, f"bytes={kept}-"]


@pytest.mark.parametrize(
    ("before", "after", "continued", "requests"),
    [
        pytest.param({"etag": '"v1"'}, {"etag": '"v2"'}, False, 1, id="etag"),
        pytest.param({"etag": '"v1"'}, {"etag": '"v2"', "if_range": False}, False, 2, id="etag, If-Range ignored"),
        pytest.param({"etag": 'W/"v1"'}, {"etag": 'W/"v2"'}, False, 2, id="weak etag"),
        pytest.param(
            {"etag": None, "last_modified": "Mon, 01 Jan 2024 00:00:00 GMT"},
            {"last_modified": "Tue, 02 Jan 2024 00:00:00 GMT"},
            False,
            1,
            id="date",
        ),
        pytest.param({"etag": None}, {}, True, 2, id="no validator: the checksum tells"),
    ],
)
def test_a_file_that_changed_in_between_is_not_glued_together(server, home, before, after, continued, requests):
    new = server.content
    vars(server).update(before, content=b"x" * len(new), drop_after=[100_000, 0, 0])
    with pytest.raises(DataError, match="interrupted"):
        fetch(server.remote())
    vars(server).update(after, content=new, drop_after=[], asked=[])
    seen = []
    assert fetch(server.remote(), progress=lambda *args: seen.append(args)).read_bytes() == new
    assert left_in(home) == ["set.bin"]
    assert len(server.asked) == requests
    assert seen[0][0] == (100_000 if continued else 0)


def test_another_range_than_asked_for_is_not_appended(server, home):
    server.drop_after = [100_000]
    server.other_range = True
    seen = []
    assert fetch(server.remote(), progress=lambda *args: seen.append(args)).read_bytes() == server.content
    assert server.asked == [None, "bytes=100000-", None]
    assert [done for done, _, _ in seen].count(0) == 2


def test_bytes_from_one_address_are_not_continued_from_another(server, home):
    server.drop_after = [100_000, 0, 0]
    remote = server.remote(urls=(f"{server.url}/one", f"{server.url}/two"))
    assert fetch(remote).read_bytes() == server.content
    assert server.paths == ["/one"] * 3 + ["/two"]
    assert server.asked == [None, "bytes=100000-", "bytes=100000-", None]


def test_a_server_without_ranges_starts_over(server, home):
    server.ranges = False
    server.drop_after = [100_000]
    assert fetch(server.remote()).read_bytes() == server.content
    assert server.asked == [None, "bytes=100000-"]


def test_a_server_that_announces_no_length_is_read_to_its_end(server, home):
    server.announce_length = False
    assert fetch(server.remote(size=None)).read_bytes() == server.content


def test_a_short_answer_is_noticed_by_the_known_size(server, home):
    server.announce_length = False
    server.drop_after = [100_000]
    assert fetch(server.remote()).read_bytes() == server.content
    assert server.asked == [None, "bytes=100000-"]


@pytest.mark.parametrize("note", [None, "", "{}", '{"url": 1}', "[1]"])
def test_a_part_without_a_good_note_is_not_built_upon(server, home, note):
    part_of(home).parent.mkdir(parents=True)
    part_of(home).write_bytes(b"x" * 1000)
    if note is not None:
        part_of(home).with_suffix(".part.json").write_text(note)
    assert fetch(server.remote()).read_bytes() == server.content
    assert server.asked == [None]


@pytest.mark.parametrize("extra", [0, 10])
def test_a_part_that_is_whole_or_too_long_does_not_stop_the_download(server, home, extra):
    server.drop_after = [100_000, 0, 0]
    with pytest.raises(DataError, match="interrupted"):
        fetch(server.remote())
    part_of(home).write_bytes(server.content + b"x" * extra)
    server.asked.clear()
    assert fetch(server.remote()).read_bytes() == server.content
    assert server.asked == ([None] if extra else [])  # a whole part only lacked its checksum


def test_damaged_bytes_kept_from_before_are_asked_for_once_more(server, home):
    for kept in (100_000, len(server.content)):
        server.drop_after = [100_000, 0, 0]
        with pytest.raises(DataError, match="interrupted"):
            fetch(server.remote())
        part_of(home).write_bytes(b"x" * kept)
        server.asked.clear()
        assert fetch(server.remote()).read_bytes() == server.content
        assert server.asked == ([None] if kept == len(server.content) else ["bytes=100000-", None])
        (home / "sets" / "set.bin").unlink()


def test_a_name_that_is_taken_by_a_folder_is_an_error_that_keeps_what_came_through(server, home):
    (home / "sets" / "set.bin").mkdir(parents=True)
    with pytest.raises(DataError, match=r"set\.bin cannot be written to .*sets: Is a directory"):
        fetch(server.remote())
    assert part_of(home).read_bytes() == server.content


def test_a_range_that_cannot_be_satisfied_starts_over(server, home):
    server.drop_after = [100_000]
    server.statuses = [200, 416]
    assert fetch(server.remote()).read_bytes() == server.content
    assert server.asked == [None, "bytes=100000-", None]


def test_a_wrong_checksum_names_both_and_leaves_nothing(server, home):
    remote = server.remote(sha256="0" * 64)
    with pytest.raises(DataError) as caught:
        fetch(remote)
    for part in ("set.bin", remote.urls[0], "expected SHA-256 " + "0" * 64, f"found {server.sha256}", "--data PATH"):
        assert part in str(caught.value)
    assert not isinstance(caught.value, NetworkUnreachableError)
    assert left_in(home) == []
    assert server.asked == [None]


def test_where_the_publisher_gives_only_an_md5_that_is_checked(server, home):
    right = server.remote(sha256="", md5=hashlib.md5(server.content).hexdigest())
    with pytest.raises(DataError, match=f"expected MD5 {'0' * 32}, found {right.md5}"):
        fetch(server.remote(sha256="", md5="0" * 32))
    assert left_in(home) == []
    path = fetch(right)
    assert path.read_bytes() == server.content
    assert cached(right) == path
    path.write_bytes(b"x" * len(server.content))
    assert cached(right) is None


@pytest.mark.parametrize(("size", "announced"), [(1000, True), (1000, False), (10**6, True)])
def test_a_file_of_another_size_is_refused(server, home, size, announced):
    server.announce_length = announced
    with pytest.raises(DataError, match=rf"expected {size} bytes, found"):
        fetch(server.remote(size=size))
    assert left_in(home) == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_error_of_the_host_names_address_and_status(server, home, status):
    server.statuses = [status]
    with pytest.raises(DataError, match=rf"{server.url}/data/set\.bin answered {status} ") as caught:
        fetch(server.remote())
    assert not isinstance(caught.value, NetworkUnreachableError)
    assert len(server.asked) == 1


def test_a_busy_host_is_asked_again(server, home):
    server.statuses = [503, 429]
    assert fetch(server.remote()).read_bytes() == server.content
    server.statuses = [503] * 3
    with pytest.raises(DataError, match="answered 503"):
        fetch(server.remote(filename="other.bin"))


def test_the_next_address_is_tried(server, home, refused_url):
    remote = server.remote(urls=(refused_url, f"{server.url}/gone", f"{server.url}/here"))
    server.statuses = [404]
    assert fetch(remote).read_bytes() == server.content
    assert server.paths == ["/gone", "/here"]


def test_a_refused_connection_is_an_unreachable_network(server, home, refused_url):
    with pytest.raises(NetworkUnreachableError, match=r"cannot be reached for set\.bin \(.*[Rr]efused"):
        fetch(server.remote(urls=(refused_url,)))
    with pytest.raises(NetworkUnreachableError, match="any of 2 addresses"):
        fetch(server.remote(urls=(refused_url, refused_url + "2")))


def test_one_host_that_answers_makes_the_network_reachable(server, home, refused_url):
    server.statuses = [404]
    with pytest.raises(DataError, match=r"\(1\) .*refused.*\(2\) .*404") as caught:
        fetch(server.remote(urls=(refused_url, server.url)))
    assert not isinstance(caught.value, NetworkUnreachableError)


def test_an_unknown_host_is_an_unreachable_network(home, server, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NetworkUnreachableError, match="Name or service not known"):
        fetch(server.remote(urls=("http://nowhere.example/set.bin",)))


def test_a_connection_that_takes_too_long_is_an_unreachable_network(home, server, monkeypatch):
    def slow(*args, **kwargs):
        raise TimeoutError

    monkeypatch.setattr("urllib3.util.connection.create_connection", slow)
    with pytest.raises(NetworkUnreachableError):
        fetch(server.remote())


def test_an_unreachable_proxy_is_an_unreachable_network(home, server, refused_url, monkeypatch):
    monkeypatch.setenv("http_proxy", refused_url)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(NetworkUnreachableError):
        fetch(server.remote(urls=("http://data.example/set.bin",)))
    assert server.asked == []


def test_a_host_that_hangs_up_was_reached(home, server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=lambda: [listener.accept()[0].close() for _ in range(3)])
        thread.start()
        with pytest.raises(DataError, match="interrupted: the host closed the connection") as caught:
            fetch(server.remote(urls=(f"http://127.0.0.1:{port}/set.bin",)))
        thread.join()
    assert not isinstance(caught.value, NetworkUnreachableError)


@pytest.mark.parametrize("url", ["no address", "ftp://host/set.bin", "http://[bad/set.bin"])
def test_an_impossible_address_is_an_error(home, server, url):
    with pytest.raises(DataError, match=r"set\.bin cannot be downloaded from"):
        fetch(server.remote(urls=(url,)))


def test_files_that_belong_together_are_fetched_together(server, home):
    other = server.remote(filename="labels.bin", urls=(f"{server.url}/data/labels.bin",))
    path = fetch(server.remote(beside=(other,)))
    assert server.paths == ["/data/labels.bin", "/data/set.bin"]
    assert path.with_name("labels.bin").read_bytes() == server.content
    path.with_name("labels.bin").unlink()
    fetch(server.remote(beside=(other,)))
    assert server.paths[2:] == ["/data/labels.bin"]


def test_a_mirror_stands_in_for_the_host(home, server, monkeypatch):
    monkeypatch.setenv("KZOO_MIRROR", f"{server.url}/mirror/")
    fetch(server.remote(urls=("https://example.org/a/set.bin?x=1",)))
    assert server.paths == ["/mirror/a/set.bin"]


@pytest.mark.parametrize("value", ["mirror.example.org", "/srv/mirror", "ftp://mirror.example.org"])
def test_a_mirror_that_is_no_address_is_refused(home, server, monkeypatch, value):
    monkeypatch.setenv("KZOO_MIRROR", value)
    with pytest.raises(DataError, match=f"KZOO_MIRROR is `{value}`"):
        fetch(server.remote())


def test_a_disk_too_small_is_found_before_anything_is_written(server, tiny_disk):
    server.content *= 8
    with pytest.raises(
        DiskFullError, match=r"Not enough room for the download of set\.bin: 4\.2 MB needed, 1\.0 MB free"
    ):
        fetch(
            server.remote(urls=(server.remote().urls[0], f"{server.url}/other")),
            home=tiny_disk,
            progress=lambda *args: pytest.fail("bytes were written"),
        )
    assert server.asked == [None]
    assert left_in(tiny_disk) == []


def test_a_disk_that_fills_up_on_the_way_is_cleared_again(server, tiny_disk):
    server.content *= 8
    server.announce_length = False
    with pytest.raises(DiskFullError, match="was full during the download"):
        fetch(server.remote(size=None), home=tiny_disk)
    assert left_in(tiny_disk) == []
    assert shutil.disk_usage(tiny_disk).free > 900_000


def test_an_unwritable_cache_is_an_error(server, monkeypatch):
    with pytest.raises(DataError, match="cannot be written to"):
        fetch(server.remote(), home=Path("/proc"))


CHILD = """
import json, logging, sys
from pathlib import Path
from kzoo.data.download import RemoteFile, fetch
logging.basicConfig(level="DEBUG", stream=sys.stdout, format="%(name)s %(message)s")
print(fetch(RemoteFile(**json.loads(sys.argv[1]))), flush=True)
"""


def test_two_processes_download_once(server, home):
    server.gate.clear()
    remote = server.remote()
    arguments = {**vars(remote), "urls": list(remote.urls)}
    environment = os.environ | {"PYTHONPATH": str(Path(kzoo.__file__).parents[1]), "PYTHONUNBUFFERED": "1"}

    def start():
        command = [sys.executable, "-c", CHILD, json.dumps(arguments)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    with start() as first:
        assert server.arrived.wait(30)
        with start() as second:
            # The second is known to wait for the lock before the first may go on.
            for line in second.stdout:
                if "not acquired" in line:
                    break
            server.gate.set()
            outputs = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0]
    assert all(output.splitlines()[-1] == str(home / "sets" / "set.bin") for output in outputs)
    assert server.asked == [None]
    assert (home / "sets" / "set.bin").read_bytes() == server.content


def test_the_path_is_known_before_the_download(tmp_path):
    remote = RemoteFile(("http://x/y",), "0" * 64, None, "y", "x")
    assert remote.path(tmp_path) == tmp_path / "x" / "y"

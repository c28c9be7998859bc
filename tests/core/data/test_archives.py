"""Archives: what comes out equals what went in, and nothing leaves the folder."""

import bz2
import gzip
import io
import os
import stat
import tarfile
import zipfile

import pytest

from kzoo.data import archives, limits
from kzoo.data.archives import extract, read_members
from kzoo.data.cache import DiskFullError
from kzoo.errors import DataError

FILES = {"set/a.txt": b"alpha" * 1000, "set/deep/b.bin": bytes(range(256)) * 300, "c": b""}
needs_filter = pytest.mark.skipif(
    not hasattr(tarfile, "data_filter"), reason="a tar with links is unpacked by Python 3.11.4 and later"
)
TAR_MODES = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}


def make_zip(path, files=FILES, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in files.items():
            file.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), content, compression)
    return path


def make_tar(path, files=FILES, mode="w", members=()):
    with tarfile.open(path, mode) as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        for info in members:
            file.addfile(info)
    return path


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def assert_refused(archive, tmp_path, reason):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=reason) as caught:
        extract(archive, tmp_path / "out")
    assert str(archive) in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", ["zip", *TAR_MODES])
def test_what_went_in_comes_out(tmp_path, kind):
    path = tmp_path / f"archive.{kind}"
    make_zip(path) if kind == "zip" else make_tar(path, mode=TAR_MODES[kind])
    path = path.rename(tmp_path / "no-suffix")  # the content decides
    assert extract(path, tmp_path / "out") == tmp_path / "out"
    assert tree(tmp_path / "out") == FILES
    assert sorted(p.name for p in tmp_path.iterdir()) == ["no-suffix", "out"]
    assert read_members(path, lambda name: name.startswith("set/")) == {n: c for n, c in FILES.items() if "/" in n}


def test_an_archive_made_by_the_system_agrees_with_tarfile(tmp_path):
    source = tmp_path / "source"
    (source / "empty").mkdir(parents=True)
    (source / "file").write_bytes(b"x" * 5000)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as file:
        file.add(source, "./source")
    extract(tmp_path / "a.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "source" / "empty").is_dir()
    assert tree(tmp_path / "out") == {"source/file": b"x" * 5000}
    mode = stat.S_IMODE((tmp_path / "out").stat().st_mode)
    assert mode == stat.S_IMODE(source.stat().st_mode)  # not the private mode of a temporary folder


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "leads out of the folder"),
        ("set/../../evil", "leads out of the folder"),
        ("/etc/evil", "absolute path"),
        ("C:/evil", "Windows path"),
        ("c:evil", "Windows path"),
        ("..\\evil", "Windows path"),
        ("set\\evil", "Windows path"),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_that_would_land_elsewhere_is_refused(tmp_path, kind, name, reason):
    make = make_zip if kind == "zip" else make_tar
    archive = make(tmp_path / "bad", FILES | {name: b"evil"})
    assert_refused(archive, tmp_path, reason)
    with pytest.raises(DataError, match=reason):
        read_members(archive, lambda name: True)


@needs_filter
@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "deep/../../../x", "..\\x"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_to_the_outside_is_refused(tmp_path, target, kind):
    archive = make_tar(tmp_path / "bad.tar", members=[link("set/link", target, kind)])
    assert_refused(archive, tmp_path, "is a link to .* outside the folder")


@needs_filter
def test_a_hard_link_names_its_target_from_the_root(tmp_path):
    archive = make_tar(tmp_path / "bad.tar", members=[link("set/link", "../x", tarfile.LNKTYPE)])
    assert_refused(archive, tmp_path, "is a link to .* outside the folder")


def test_without_the_filter_of_tarfile_a_link_is_refused_and_the_rest_unpacked(tmp_path, monkeypatch):
    archive = make_tar(tmp_path / "a.tar", members=[link("set/link", "a.txt")])
    monkeypatch.delattr(tarfile, "data_filter", raising=False)  # as in Python 3.11.0 to 3.11.3
    assert_refused(archive, tmp_path, r"`set/link`: it is a link.*3\.11\.4.*unpack the archive yourself.*--data")
    assert tree(extract(make_tar(tmp_path / "b.tar"), tmp_path / "out")) == FILES


@needs_filter
def test_a_link_inside_becomes_a_copy(tmp_path):
    members = [link("set/deep/soft", "../a.txt"), link("set/hard", "set/a.txt", tarfile.LNKTYPE)]
    extract(make_tar(tmp_path / "a.tar", members=members), tmp_path / "out")
    for name in ("set/deep/soft", "set/hard"):
        path = tmp_path / "out" / name
        assert path.read_bytes() == FILES["set/a.txt"]
        assert not path.is_symlink()
        assert path.stat().st_nlink == 1


@needs_filter
@pytest.mark.parametrize(
    "members",
    [
        pytest.param([link("one", "two"), link("two", "one")], id="circle"),
        pytest.param([link("one", "nothing")], id="missing"),
        pytest.param([link("one", "set")], id="folder"),
    ],
)
def test_a_link_to_no_file_is_refused(tmp_path, members):
    assert_refused(make_tar(tmp_path / "bad.tar", members=members), tmp_path, "is not a whole zip or tar archive")


@needs_filter
def test_a_file_behind_a_linked_folder_is_refused(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    file = tarfile.TarInfo("door/evil")
    archive = make_tar(tmp_path / "bad.tar", members=[link("door", str(outside)), file])
    assert_refused(archive, tmp_path, "outside the folder")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_is_refused(tmp_path, kind):
    info = tarfile.TarInfo("device")
    info.type = kind
    assert_refused(make_tar(tmp_path / "bad.tar", members=[info]), tmp_path, "device or pipe")


@pytest.mark.parametrize(("kind", "said"), [(stat.S_IFLNK, "symbolic link"), (stat.S_IFCHR, "special file")])
def test_a_link_or_device_in_a_zip_is_refused(tmp_path, kind, said):
    info = zipfile.ZipInfo("odd")
    info.external_attr = (kind | 0o644) << 16
    assert_refused(make_zip(tmp_path / "bad.zip", {info: b"/etc/passwd"}), tmp_path, said)


def test_a_name_that_comes_twice_is_refused(tmp_path):
    archive = make_tar(tmp_path / "bad.tar", members=[tarfile.TarInfo("c")])
    assert_refused(archive, tmp_path, "member `c`: it is there twice")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_that_grows_out_of_proportion_is_refused(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(limits, "SMALL", 100_000)
    files = {"zeros": bytes(2_000_000)}
    make = make_zip if kind == "zip" else make_tar
    archive = make(tmp_path / "bomb", files) if kind == "zip" else make(tmp_path / "bomb", files, "w:gz")
    assert_refused(archive, tmp_path, "no data set shrinks by more than 200 times")
    with pytest.raises(DataError, match="no data set shrinks"):
        read_members(archive, lambda name: False)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_of_too_many_members_is_refused(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", len(FILES) - 1)
    archive = (make_zip if kind == "zip" else make_tar)(tmp_path / "many")
    assert_refused(archive, tmp_path, "holds more than 2 members")
    with pytest.raises(DataError, match="more than 2 members"):
        read_members(archive, lambda name: False)
    monkeypatch.setattr(archives, "MAX_MEMBERS", len(FILES))
    assert tree(extract(archive, tmp_path / "out")) == FILES


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert_refused(tmp_path / "pipe", tmp_path, "is a named pipe, not a file")


def test_more_than_the_limit_is_refused(tmp_path):
    archive = make_zip(tmp_path / "big.zip", {"random": os.urandom(10_000)})
    with pytest.raises(DataError, match=r"the limit is 9\.0 kB"):
        extract(archive, tmp_path / "out", max_bytes=9000)


def test_a_zip_that_understates_its_sizes_is_refused(tmp_path):
    archive = make_zip(tmp_path / "liar.zip", {"zeros": bytes(100_000)})
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = (100).to_bytes(4, "little")
    archive.write_bytes(data)
    assert_refused(archive, tmp_path, "is not a whole zip or tar archive")


@pytest.mark.parametrize("kind", ["zip", *TAR_MODES])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_archive_is_refused(tmp_path, kind, share):
    path = tmp_path / "cut"
    files = {"a": os.urandom(30_000), "b": os.urandom(30_000)}
    make_zip(path, files) if kind == "zip" else make_tar(path, files, TAR_MODES[kind])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(files["a"] + files["b"]) * share)])
    assert_refused(path, tmp_path, "is not a whole zip or tar archive|cannot be read or unpacked")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_changed_byte_is_noticed(tmp_path, kind):
    path = tmp_path / "changed"
    files = {"a": os.urandom(30_000)}
    make_zip(path, files, zipfile.ZIP_STORED) if kind == "zip" else make_tar(path, files, TAR_MODES[kind])
    data = bytearray(path.read_bytes())
    data[15_000] ^= 1
    path.write_bytes(data)
    assert_refused(path, tmp_path, "is not a whole zip or tar archive|cannot be read or unpacked")


def test_a_wrong_checksum_behind_the_last_member_is_noticed(tmp_path):
    path = make_tar(tmp_path / "a.tar.gz", mode="w:gz")
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(data)
    assert_refused(path, tmp_path, "CRC check failed")
    with pytest.raises(DataError, match="CRC check failed"):
        read_members(path, lambda name: True)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", bytes(5000), gzip.compress(b"text", mtime=0), bz2.compress(b"text")]
)
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    if content == bytes(5000):
        assert extract(path, tmp_path / "out").is_dir()  # by the rules of tar, blocks of zeros are an empty archive
    else:
        assert_refused(path, tmp_path, "is not a whole zip or tar archive")


def test_an_encrypted_zip_is_refused(tmp_path):
    archive = make_zip(tmp_path / "locked.zip", {"a": b"secret"})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    assert_refused(archive, tmp_path, "encrypted")


def test_a_missing_archive_and_a_taken_name_are_errors(tmp_path):
    with pytest.raises(DataError, match=r"none\.zip cannot be read or unpacked: No such file"):
        extract(tmp_path / "none.zip", tmp_path / "out")
    (tmp_path / "taken").mkdir()
    with pytest.raises(DataError, match="taken exists already"):
        extract(make_zip(tmp_path / "a.zip"), tmp_path / "taken")


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path):
    inner = make_zip(tmp_path / "inner.zip", {"x": b"x"}).read_bytes()
    archive = make_tar(tmp_path / "outer.tar", {"first": b"1", "inner.zip": inner})
    assert zipfile.is_zipfile(archive)  # the trap
    assert set(tree(extract(archive, tmp_path / "out"))) == {"first", "inner.zip"}


def test_a_full_disk_is_found_before_anything_is_written(tiny_disk, tmp_path):
    archive = make_zip(tmp_path / "big.zip", {"a": os.urandom(3_000_000)})
    with pytest.raises(DiskFullError, match=r"unpacking big\.zip: 3\.0 MB needed, 1\.0 MB free"):
        extract(archive, tiny_disk / "out")
    assert list(tiny_disk.iterdir()) == []

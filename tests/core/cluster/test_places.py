"""What a person may ask for, and how it is shared out among the machines of a cluster."""

import socket
import sys
import types

import pytest

from kzoo.cluster.connecting import Cluster, connected
from kzoo.cluster.machines import Machine, Share, compare, machines_of, machines_with, shared_out
from kzoo.cluster.places import Place, checked, place_asked
from kzoo.errors import KzooError, UsageError

SMALL = Machine("a", "small", 2, 0, 4 * 10**9)
LARGE = Machine("b", "large", 8, 0, 32 * 10**9)
WITH_GPUS = Machine("c", "gpus", 16, 4, 64 * 10**9)


@pytest.mark.parametrize("on", ["ray", "ray://head", "ray://head:6000", "ray://[::1]:10001"])
def test_clusters_are_named_as_ray_does(on):
    assert checked(on) == on


@pytest.mark.parametrize("on", ["Ray", "head:6379", "ray://", "ray://head:port", "ray://head/x", "spark"])
def test_what_names_no_cluster_is_refused(on):
    with pytest.raises(UsageError, match="names no place to compute on"):
        place_asked(on=on)


@pytest.mark.parametrize(
    ("size", "expected"),
    [("4GB", 4 * 10**9), ("4gib", 4 * 2**30), ("1.5G", 1_500_000_000), (10**9, 10**9), ("800 MB", 8 * 10**8)],
)
def test_sizes_of_memory(size, expected):
    assert place_asked(memory=size).memory == expected


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"memory": "4"}, "at least 100 MB"),
        ({"memory": "lots"}, "such as 4GB"),
        ({"jobs": 0}, "`jobs` must be a whole number of at least 1"),
        ({"cpus": -1}, "`cpus` must be"),
        ({"on": "ray", "gpus": 1.5}, "a part of one GPU or a whole number"),
        ({"gpus": 1}, "--gpus is for a cluster"),
    ],
)
def test_what_is_no_share_of_a_machine_is_refused(asked, words):
    with pytest.raises(UsageError, match=words):
        place_asked(**asked)


@pytest.mark.parametrize(
    ("place", "machines", "expected"),
    [
        ({}, [SMALL], (1, Share(2))),  # all of it, as without a cluster
        ({"jobs": 2}, [SMALL], (2, Share(1))),
        ({"jobs": 5}, [SMALL], (5, Share(1))),
        ({}, [SMALL, LARGE], (2, Share(2))),  # the same threads on both, whichever it gets
        ({"jobs": 3}, [SMALL, LARGE], (3, Share(1))),
        ({"cpus": 2}, [SMALL, LARGE], (5, Share(2))),
        ({"cpus": 2, "memory": 16 * 10**9}, [SMALL, LARGE], (2, Share(2, 0.0, 16 * 10**9))),
        ({}, [SMALL, WITH_GPUS], (4, Share(4, 1.0))),
        ({"gpus": 0.5}, [WITH_GPUS], (8, Share(2, 0.5))),
        ({"gpus": 0}, [SMALL, WITH_GPUS], (2, Share(2))),
    ],
)
def test_a_cluster_is_shared_out(place, machines, expected):
    assert shared_out(Place(on="ray", **place), machines) == expected


def test_what_no_machine_holds_is_refused():
    assert machines_with([SMALL, LARGE], Share(4)) == [LARGE]
    with pytest.raises(
        KzooError, match=r"No machine of the cluster has 4 processors, 1 GPUs .* small has 2 processors"
    ):
        machines_with([SMALL, LARGE], Share(4, 1))


def test_machines_are_read_as_ray_tells_them():
    class Ray:
        @staticmethod
        def nodes():
            resources = {"CPU": 2.0, "memory": 5e9, "node:1.2.3.4": 1.0}
            return [
                {"Alive": True, "NodeID": "a", "NodeManagerHostname": "one", "Resources": resources},
                {"Alive": False, "NodeID": "b", "NodeManagerHostname": "two", "Resources": resources},
            ]

    assert machines_of(Cluster(Ray, "ray", own=True)) == [Machine("a", "one", 2, 0.0, 5 * 10**9)]


HERE = {
    "kzoo": "0.1",
    "keras": "3.15.1",
    "tensorflow": "2.21.0",
    "numpy": "2.1",
    "python": "3.11.7",
    "executable": "py",
}


def test_a_machine_that_computes_something_else_is_refused():
    compare("there", HERE, HERE)
    with pytest.raises(
        KzooError, match=r"there would not compute .*: tensorflow is 2.20.0 there and 2.21.0 here, python"
    ):
        compare("there", HERE, {**HERE, "tensorflow": "2.20.0", "python": "3.12.1"})
    with pytest.raises(KzooError, match=r"kzoo is not installed on there, where py .*kzoo\[ray\]==0.1"):
        compare("there", HERE, {**HERE, "kzoo": None})


def test_a_host_where_nothing_answers_is_said_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"ray://127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(KzooError, match=r"No cluster answers at ray://127.*ray start --head"),
            connected(address, processors=1),
        ):
            pass


@pytest.mark.parametrize(
    "said",
    [
        "Version mismatch: The cluster was started with:\n  Ray: 2.60.0\n  Python: 3.12.1\nThis one:\n  Python: 3.11.7",
        "Python minor versions differ between client and server: client is 3.11.7, server is 3.12.1",
    ],
)
def test_a_cluster_of_other_versions_is_said_in_words(monkeypatch, said):
    def init(**given):
        raise RuntimeError(said)

    ray = types.SimpleNamespace(init=init, is_initialized=lambda: False, shutdown=lambda: None)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    with (
        pytest.raises(KzooError, match=r"is of other versions than this machine.*3\.1.*3\.1"),
        connected("ray", processors=1),
    ):
        pass


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(KzooError, match=r"needs Ray, .*pip install 'kzoo\[ray\]'"), connected("ray", processors=1):
        pass


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["run", "mnist", "--on", "spark"], "names no place to compute on"),
        (["run", "mnist", "--cpus", "2"], "are for a cluster"),
        (["run", "mnist", "--cpus", "0"], "`cpus` must be a whole number of at least 1"),
        (["run", "mnist", "--on", "ray", "--dry-run"], "--dry-run is for a run on this machine"),
        (["compare", "mnist", "--loss", "emd", "--loss", "mse", "--memory", "x"], "such as 4GB"),
        (["compare", "one", "other", "--on", "ray"], "--on is for training"),
        (["compare", "mnist", "--loss", "emd", "--loss", "mse", "--gpus", "1"], "--gpus is for a cluster"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_starts(kzoo, typed, words):
    code, _, err = kzoo(*typed)
    assert code == 2
    assert words in err

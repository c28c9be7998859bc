"""What ``TF_CONFIG`` says of this process, beside what TensorFlow reads in it."""

import json

import pytest
import tensorflow as tf

from kzoo.engine.cluster import Cluster, cluster_of, config_of
from kzoo.errors import KzooError, UsageError


def environment(cluster, kind="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    ("cluster", "kind", "index"),
    [
        ({"worker": ["a:1", "b:1"]}, "worker", 1),
        ({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "chief", 0),
        ({"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "worker", 1),
    ],
)
def test_address_and_chief_are_those_that_tensorflow_finds(monkeypatch, cluster, kind, index):
    found = cluster_of(environment(cluster, kind, index))
    monkeypatch.setenv("TF_CONFIG", environment(cluster, kind, index)["TF_CONFIG"])
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    assert found.addresses[found.index] == resolver.cluster_spec().task_address(resolver.task_type, resolver.task_id)
    assert found.is_chief == (kind == "chief" or ("chief" not in cluster and index == 0))
    assert found.count == sum(map(len, cluster.values()))


@pytest.mark.parametrize("text", ["", "  ", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"index": 0}}'])
def test_one_process_is_no_cluster(text):
    assert cluster_of({"TF_CONFIG": text}) is None
    assert cluster_of({}) is None


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"TF_CONFIG": "{"}, "is not of the form"),
        ({"TF_CONFIG": '["a:1"]'}, "is not of the form"),
        (environment({"worker": ["a:1", "b:1"], "ps": ["c:1"]}), "names `ps`"),
        (environment({"worker": ["a:1", "b:1"]}, "evaluator"), "the task `evaluator`"),
        (environment({"worker": ["a:1", "b:1"]}, index=2), "is worker 2, and names 2"),
    ],
)
def test_what_means_something_else_is_refused(told, said):
    with pytest.raises(UsageError, match=said):
        cluster_of(told)


def test_what_local_workers_get_is_read_again():
    assert cluster_of({"TF_CONFIG": config_of(["a:1", "b:2", "c:3"], 2)}) == Cluster(("a:1", "b:2", "c:3"), 2)


def test_a_host_that_nobody_knows_is_named_before_anything_waits_for_it():
    Cluster(("localhost:1", "[::1]:2", "127.0.0.1:3"), 0).check_names()
    with pytest.raises(KzooError, match=r"names the worker `no\.such\.invalid:2`, and its host cannot be found"):
        Cluster(("localhost:1", "no.such.invalid:2"), 0).check_names()

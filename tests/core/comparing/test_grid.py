import pytest

from kzoo.comparing.grid import Asked, grid_of
from kzoo.errors import UsageError


def grid(pipeline="mnist", common=None, **asked):
    return grid_of(Asked(pipeline=pipeline, common={"recipe": "quick", "data": "sample", **(common or {})}, **asked))


def test_a_grid_goes_through_all_ways_seed_by_seed():
    found = grid(
        losses=["emd", "focal:gamma=2,alpha=0.5"],
        options=["train.batch_size=16,32", "train.epochs=1"],
        seeds=2,
        first_seed=3,
    )
    assert found.cells == (
        "emd train.batch_size=16",
        "emd train.batch_size=32",
        "focal:gamma=2,alpha=0.5 train.batch_size=16",
        "focal:gamma=2,alpha=0.5 train.batch_size=32",
    )
    assert [job.seed for job in found.jobs] == [3] * 4 + [4] * 4
    last = found.jobs[-1].config
    assert (str(last.loss), last.train.batch_size, last.train.epochs, last.seed) == (
        "focal:gamma=2,alpha=0.5",
        32,
        1,
        4,
    )


def test_regularizers_and_lists_are_compared_too():
    found = grid(losses=["emd"], regularizers=["none", "l2:l2=0.001"], seeds=1)
    assert found.cells == ("regularizer=none", "regularizer=l2:l2=0.001")
    assert found.jobs[0].config.regularizer is None
    found = grid(varied={"train.epochs": ["1", "2"]}, seeds=1)
    assert [job.config.train.epochs for job in found.jobs] == [1, 2]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"losses": ["emd"]}, "only one way to train"),
        ({"losses": ["emd", "emd"]}, "are the same settings"),
        ({"losses": ["emd:p=2", "emd:p=2.0"]}, "`emd:p=2` and `emd:p=2.0` are the same settings"),
        ({"losses": ["emd", "crossentropie"]}, "No loss named `crossentropie`"),
        ({"losses": ["emd", "mse:nope=1"], "seeds": 0}, "`seeds` must be a whole number of at least 1"),
        ({"options": ["seed=1,2"]}, "`seed` is no way to train"),
        ({"options": ["train.epochs=1,,2"]}, "empty value between two commas"),
        ({"options": ["data.limit=10,20"]}, "different examples"),
        ({"options": ["train.epochs=1,0"]}, "train.epochs"),
        ({"losses": ["emd", "focal"], "seeds": 6000}, "12,000 runs"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_starts(asked, words):
    with pytest.raises(UsageError, match=words):
        grid(**asked)

"""One rule of what a split is called."""

import pytest

from kzoo.data.split_names import split_folders, split_of, split_word
from kzoo.errors import DataError


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (
            "train",
            "train Training TRAIN trainset training_set seg_train train2017 X_train trainval TrainingData train-1",
        ),
        ("validation", "val valid validation dev Dev_Set eval evaluation val2017 seg_val minival instances_val"),
        ("test", "test testing test_set TestSet test-dev2017 testdata 2_test"),
        (None, "images contest latest trainer valley device pretrained train_test testimony cheval cats devkit"),
    ],
)
def test_words_in_names(split, names):
    assert {name: split_of(name) for name in names.split()} == dict.fromkeys(names.split(), split)


def test_a_whole_name_is_not_a_word_in_one():
    assert [split_word(name) for name in ("valid", "VAL", "cat_train", "trainval")] == [
        "validation", "validation", None, "train",
    ]  # fmt: skip


def test_two_folders_of_one_split_are_refused(tmp_path):
    folders = [tmp_path / "dev", tmp_path / "validation_set"]
    with pytest.raises(DataError, match="both `dev` and `validation_set`: one validation split too many"):
        split_folders(tmp_path, folders)

"""What does not fit the network is refused before anything is trained or written."""

import pytest

import kzoo
from kzoo.errors import UsageError


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"loss": "focal:class_weight=[1,2]"}, "The loss `focal:.*2 numbers, and y_pred has 10 classes"),
        ({"loss": "mixture:losses=[crossentropy,focal(axis=-3)]"}, "The loss `mixture:.*axis=-3, and y_pred has"),
        ({"metrics": ["accuracy", "mcc:class_weight=[1,2]"]}, "The metric `mcc:.*2 numbers, and there are 10 classes"),
    ],
    ids=str,
)
def test_arguments_for_another_number_of_classes_are_refused(more, says, tmp_path):
    with pytest.raises(UsageError, match=says):
        kzoo.run("mnist", recipe="quick", data="sample", limit=32, out=tmp_path, **more)
    assert not list(tmp_path.iterdir())

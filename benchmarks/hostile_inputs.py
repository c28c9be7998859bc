"""Print what each of kzoo's own components makes of inputs that no network should give, and nobody should feed.

    python benchmarks/hostile_inputs.py
    python benchmarks/hostile_inputs.py --kind metric --only spearman

A cell is what comes out: a number, NaN, `refused` (a ValueError or TypeError, whose first words follow below the
table), the name of any other exception, or `-` where the input means nothing to the component. One sample of four is
hostile, and `as it is` is what comes out before. Behind a loss or a regularizer the gradient is seen, too: it is NaN
where the value is. Labels are class indices where there are classes.

`!` marks what the rules of the house forbid, and exit code 1 says that there is such a cell:

- an ordinary number, or an ordinary gradient, for a NaN or for a label that is no class;
- an exception that is no ValueError or TypeError; for an empty batch, for integers and for booleans any exception;
- an empty batch that is not 0 in a loss, or that changes a metric;
- integers or booleans that give something else than the same numbers as floats;
- one output that is taken by what compares classes.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass

NAN, INF = float("nan"), float("inf")
COLUMNS = ("as it is", "NaN", "NaN label", "+inf", "-inf", "label -1", "label 255", "label 0.5", "empty", "one output",
           "ints", "bools")  # fmt: skip
KINDS = ("loss", "metric", "regularizer", "optimizer")
OF_CLASSES = ("classes", "masks", "thresholds", "cosines")
OF_ANSWERS = ("binary", "multilabel", "distances")
SIZE, HOSTILE = 4, 1


@dataclass(frozen=True)
class Cell:
    """What came out, in a few characters; what is wrong with it; and the words of a refusal."""

    text: str
    wrong: str = ""
    words: str = ""


NOTHING = Cell("-")


def main():
    options = _options()
    from kzoo.engine import runtime

    runtime.start()
    warnings.simplefilter("ignore")
    chosen = [(kind, subject) for kind in options.kind or KINDS for subject in _subjects(kind, options.only)]
    width = max(len(_name(subject)) for _, subject in chosen) + 2
    wrong, refusals, count = [], {}, 0
    for kind in dict.fromkeys(kind for kind, _ in chosen):
        print(f"{kind:<{width}}" + "".join(f"{column:>13}" for column in COLUMNS))
        for subject in (subject for at, subject in chosen if at == kind):
            cells = {column: _cell(kind, subject, column) for column in COLUMNS}
            marked = (f"{cell.text}{'!' * bool(cell.wrong)}" for cell in cells.values())
            print(f"{_name(subject):<{width}}" + "".join(f"{text:>13}" for text in marked), flush=True)
            count += sum(cell is not NOTHING for cell in cells.values())
            for column, cell in cells.items():
                wrong += [f"{kind} {_name(subject)}, {column}: {cell.wrong}"] if cell.wrong else []
                if cell.words:
                    refusals.setdefault(f"{column}: {cell.words}", []).append(_name(subject))
        print()
    print("Refused:")
    for words, names in sorted(refusals.items()):
        print(f"  {words}  ({', '.join(dict.fromkeys(names))})")
    print(f"\n{count} cells; {len(wrong)} that the rules forbid")
    for line in wrong:
        print(f"  {line}")
    return 1 if wrong else 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--only", action="append", help="components by name; by default all")
    return parser.parse_args()


def _subjects(kind, only):
    """Return the own components of a kind, once for each sort of input that they are for."""
    from kzoo.plugins.registry import get_registry
    from kzoo.testing.subject import subject_of

    found = []
    for entry in get_registry().entries(kind):
        builtin = entry.spec.target.startswith(("keras.", "kzoo_plugins.keras_"))
        if not entry.first_party or builtin or (only and entry.name not in only):
            continue
        found.append(subject_of(kind, entry.name))
        if kind == "metric" and found[-1].inputs == "classes":
            found += [subject_of(kind, entry.name, inputs="binary")] if "binary" in entry.spec.tasks else []
            if "multilabel" in entry.spec.tasks:
                found.append(subject_of(kind, f"{entry.name}:multilabel=true", inputs="multilabel"))
    return found


def _name(subject):
    own = not subject.entry or subject.inputs in ("", getattr(subject.entry.spec, "inputs", "") or subject.inputs)
    return subject.name if own or ":" in subject.name else f"{subject.name} ({subject.inputs})"


def _cell(kind, subject, column):
    """Return what a component makes of one input."""
    try:
        return {"loss": _loss, "metric": _metric, "regularizer": _regularizer, "optimizer": _optimizer}[kind](
            subject, column
        )
    except (ValueError, TypeError) as error:
        words = " ".join(str(error).split())[:100]
        must = {"empty": "an empty batch is nothing", "ints": "integers are cast", "bools": "booleans are cast"}
        if column == "as it is":
            must["as it is"] = "these are ordinary inputs"
        return Cell("refused", f"refused, and {must[column]}: {words}" if column in must else "", words)
    except Exception as error:
        name = type(error).__name__
        return Cell(name[:10], f"{name}: {' '.join(str(error).split())[:150]}")


def _inputs(subject, column):
    """Return labels and predictions for a column, or None where it means nothing to the component."""
    import numpy as np

    from kzoo.testing.samples import sample

    sparse = "sparse" in subject.forms
    y_true, y_pred = (np.array(one) for one in sample(subject, SIZE, form="sparse" if sparse else None))
    y_true = y_true.astype("float32")
    true, pred = (one.reshape(SIZE, -1)[HOSTILE] for one in (y_true, y_pred))
    if column in ("NaN", "+inf", "-inf"):
        pred[-1] = {"NaN": NAN, "+inf": INF, "-inf": -INF}[column]
    elif column == "NaN label":
        true[-1] = NAN
    elif column.startswith("label"):
        wrong = float(column.split()[1])
        indices = subject.inputs in OF_CLASSES and (sparse or not subject.forms)
        if not indices and (subject.inputs not in OF_ANSWERS or wrong == 0.5):
            return None
        true[-1] = wrong
    elif column == "empty":
        return y_true[:0], y_pred[:0]
    elif column == "one output":
        if subject.inputs not in ("classes", "cosines"):
            return None
        return (np.arange(SIZE) % 2).astype("float32"), np.linspace(0.2, 0.9, SIZE, dtype="float32")[:, None]
    elif column in ("ints", "bools"):
        largest = 1 if column == "bools" or subject.inputs == "binary" else 3
        return y_true, np.clip(np.round(y_pred * largest), 0, None).clip(max=largest if largest == 1 else None)
    return y_true, y_pred


def _taken(column, y_pred):
    """Return the predictions in the types that a column is about."""
    return [y_pred.astype(kind) for kind in {"ints": ("int32", "uint8"), "bools": ("bool",)}.get(column, ("float32",))]


def _judged(subject, column, value, gradient=None, plain=None):
    """Return the cell of a value, with its gradient where there is one."""
    import numpy as np

    hostile = column in ("NaN", "NaN label") or column.startswith("label")
    shown, text = np.isnan(value).all(), _text(value)
    faults = {
        f"{text} hides it": hostile and not shown,
        "the value shows it, and the gradient is an ordinary one": (
            hostile and gradient is not None and not np.isnan(gradient[HOSTILE]).any()
        ),
        "an ordinary input gives no number": column == "as it is" and not np.isfinite(value).all(),
        f"{text}, and it should be {_text(plain)}": column == "empty" and not np.array_equal(value, plain),
        f"{text}, and the same numbers as floats give {_text(plain)}": (
            column in ("ints", "bools") and not np.allclose(value, plain, rtol=1e-5, equal_nan=True)
        ),
        f"{text} for one output, and it compares classes": (
            column == "one output" and "binary" not in subject.entry.spec.tasks
        ),
    }
    return Cell(text, next((fault for fault, found in faults.items() if found), ""))


def _text(value):
    import numpy as np

    if value is None:
        return "-"
    if np.isnan(value).all():
        return "NaN"
    return f"{float(value):.4g}" if np.ndim(value) == 0 else f"{np.nansum(value):.4g} in {np.size(value)}"


def _loss(subject, column):
    import numpy as np
    import tensorflow as tf

    given = _inputs(subject, column)
    if given is None:
        return NOTHING
    more = {"label_form": "sparse"} if "sparse" in subject.forms else {}
    y_true, y_pred = given

    def of(pred):
        pred = tf.constant(pred)
        with tf.GradientTape() as tape:
            tape.watch(pred)
            value = subject.make(**more)(tf.constant(y_true), pred)
        gradient = tape.gradient(value, pred) if pred.dtype.is_floating else None
        return np.asarray(value, "float64"), None if gradient is None else np.asarray(gradient)

    plain = np.float64(0) if column == "empty" else of(y_pred)[0]
    cells = [_judged(subject, column, *of(one), plain) for one in _taken(column, y_pred)]
    return next((cell for cell in cells if cell.wrong), cells[0])


def _metric(subject, column):
    import numpy as np

    from kzoo.testing.metric_state import result

    given = _inputs(subject, column)
    if given is None:
        return NOTHING
    more = {"label_form": "sparse"} if "sparse" in subject.forms else {}
    y_true, y_pred = given

    def of(*batches):
        metric = subject.make(**more)
        for batch in batches:
            metric.update_state(*batch)
        return np.asarray(result(metric), "float64")

    if column == "empty":
        ordinary = _inputs(subject, "as it is")
        of((y_true, y_pred))
        return _judged(subject, column, of((y_true, y_pred), ordinary, (y_true, y_pred)), plain=of(ordinary))
    plain = of((y_true, y_pred)) if column in ("ints", "bools") else None
    cells = [_judged(subject, column, of((y_true, one)), plain=plain) for one in _taken(column, y_pred)]
    return next((cell for cell in cells if cell.wrong), cells[0])


def _regularizer(subject, column):
    import numpy as np
    import tensorflow as tf

    weights = np.random.default_rng(11).normal(size=(SIZE, 3)).astype("float32")
    of_outputs = subject.entry.spec.applies_to == "activity"
    if of_outputs:
        weights = np.exp(weights) / np.exp(weights).sum(-1, keepdims=True)
    if column in ("NaN", "+inf", "-inf"):
        weights[HOSTILE, -1] = {"NaN": NAN, "+inf": INF, "-inf": -INF}[column]
    elif column == "empty" and of_outputs:
        weights = weights[:0]
    elif column != "as it is":
        return NOTHING
    at = tf.constant(weights)
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = subject.make()(at)
    slope = np.asarray(tape.gradient(value, at))
    value = np.asarray(value, "float64")
    return _judged(subject, column, value, slope, np.float64(0))


def _optimizer(subject, column):
    """Return how far a step with a hostile gradient, after an ordinary one, moves the weight that it is for."""
    import keras
    import numpy as np
    import tensorflow as tf

    if column not in ("as it is", "NaN", "+inf", "-inf"):
        return NOTHING
    rng = np.random.default_rng(12)
    weights, gradients = (rng.normal(size=(SIZE, 3)).astype("float32") for _ in range(2))
    variable = keras.Variable(weights)
    optimizer = subject.make()
    optimizer.build([variable])
    optimizer.apply_gradients([(tf.constant(gradients), variable)])
    if column != "as it is":
        gradients[HOSTILE, -1] = {"NaN": NAN, "+inf": INF, "-inf": -INF}[column]
    optimizer.apply_gradients([(tf.constant(gradients), variable)])
    moved = np.abs(np.array(variable.value) - weights)[HOSTILE, -1]
    return _judged(subject, column, np.float64(moved))


if __name__ == "__main__":
    sys.exit(main())

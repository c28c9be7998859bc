"""Write from-tensorflow-addons.md from the specs and the answers that kzoo publishes.

    python docs/from_tensorflow_addons.py           write the page
    python docs/from_tensorflow_addons.py --check   only say whether it is up to date

The names of TensorFlow Addons 0.23 are in tensorflow_addons_names.json, with their source.
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import sys
from pathlib import Path

from kzoo.plugins.registry import Former, Registry, get_registry

FOLDER = Path(__file__).parent
PAGE = FOLDER / "from-tensorflow-addons.md"
NAMES = FOLDER / "tensorflow_addons_names.json"
GROUPS = ("losses", "metrics", "optimizers")

INTRODUCTION = """\
# Coming from TensorFlow Addons

TensorFlow Addons ended in May 2024; its last version, 0.23, needs TensorFlow 2.15 and Keras 2. This page has every
loss, metric and optimizer of it, and what to use with Keras 3. `kzoo info` knows the names too:

```sh
kzoo info tfa.losses.TripletSemiHardLoss
kzoo info CohenKappa
```

Names in the second column are those of kzoo: `--loss triplet_semihard` on the command line,
`kzoo.loss("triplet_semihard")` in Python, or the class itself, whose path stands below it. A loss's module has a
function beside the class, for each sample and without reduction. Where Keras has the successor, kzoo lists it under its
Keras name.

What holds for all of them:

- Losses have the reduction `sum_over_batch_size` by default, which is what `AUTO` meant; some old ones had none.
- Classes may be one-hot rows or class indices, predictions probabilities or, with `from_logits=true`, logits.
- Metrics of classes find out their number from the first batch.
- Optimizers are Keras 3's: `learning_rate` takes a schedule, and `clipnorm`, `clipvalue`, `weight_decay`, `use_ema` and
  `gradient_accumulation_steps` are arguments of each. `lr` and `decay` are gone.
- Saved models hold the objects' full configuration, and `kzoo.load_model` finds the classes again. A model that was
  saved with TensorFlow Addons is to be made anew, and its weights loaded into it.

This page is made by `python docs/from_tensorflow_addons.py`.
"""


def page(registry: Registry) -> str:
    """Return the text of the page."""
    parts = [INTRODUCTION]
    names = json.loads(NAMES.read_text("utf-8"))
    for group in GROUPS:
        parts.append(f"## {group.capitalize()}\n")
        parts.append(f"| `tfa.{group}` | kzoo | what differs, or what to do |\n|---|---|---|")
        rows: dict[tuple[str, str], list[str]] = {}
        for name in names[group]:
            [former] = registry.former(f"tfa.{group}.{name}")
            rows.setdefault((_successors(former), former.answer), []).append(f"`{name}`")
        parts += [f"| {'<br>'.join(old)} | {now} | {answer} |" for (now, answer), old in rows.items()]
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def _successors(former: Former) -> str:
    """Return the names that replace an old one, each with the class behind it."""
    shown = [f"`{e.name}`<br>`{e.spec.target.replace(':', '.')}`" for e in former.successors]
    return "<br>".join(shown) or "no component: see what to do"


def main() -> int:
    """Write or check the page."""
    text = page(get_registry())
    if "--check" in sys.argv[1:]:
        fresh = PAGE.is_file() and PAGE.read_text("utf-8") == text
        sys.stdout.write(f"{PAGE.name} is {'up to date' if fresh else 'out of date'}\n")
        return 0 if fresh else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

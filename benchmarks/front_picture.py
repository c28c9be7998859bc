"""The picture of the front: accuracy on CIFAR-10 against seconds, a point for each training."""

import matplotlib as mpl  # noqa: TID253


def draw(tables, path):
    """Draw the table ``front``, and of ``airbench`` the extrapolated time, as an SVG that names each point.

    Args:
        tables: Those of `cifar10_front`.
        path: The file.
    """
    mpl.use("Agg")
    mpl.rcParams |= {"svg.hashsalt": "kzoo", "svg.fonttype": "none"}
    from matplotlib import pyplot as plt

    rows = tables["front"]["rows"]
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for arm in dict.fromkeys(row["arm"] for row in rows):
        own = [row for row in rows if row["arm"] == arm]
        place = [row["seconds"] for row in own], [100 * row["accuracy"] for row in own]
        for number, (seconds, accuracy) in enumerate(zip(*place, strict=True)):
            (point,) = axes.plot([seconds], [accuracy], "o", color=f"C{_number(rows, arm)}", alpha=0.8)
            point.set_gid(point_id(own[number]))
        mean = sum(place[0]) / len(own), sum(place[1]) / len(own)
        axes.annotate(arm, mean, xytext=(6, -12), textcoords="offset points", fontsize=9)
    for row in tables.get("airbench", {}).get("rows", ()):
        place = row["seconds for 94 %, extrapolated"], 94.0
        axes.plot(*place[:1], place[1], "o", mfc="none", color="gray")
        axes.annotate(f"{row['arm']}\n(time extrapolated)", place, xytext=(-6, 5), textcoords="offset points",
                      fontsize=9, ha="right", color="gray")  # fmt: skip
    axes.set(xscale="log", xlabel="seconds from the start of the process", ylabel="test accuracy, %")
    axes.set_xticks(ticks := [10, 20, 30, 60, 120, 180, 300, 600, 1200, 1800, 3600], [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(10, None)
    axes.set_ylim(axes.get_ylim()[0] - 2, 100)  # room for the words below the lowest point and above the highest
    axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def point_id(row):
    """Return what the picture calls the point of a row."""
    return f"{row['arm']}, seed {row['seed']}: {row['seconds']:.0f} s, {100 * row['accuracy']:.2f} %"


def _number(rows, arm):
    return list(dict.fromkeys(row["arm"] for row in rows)).index(arm)

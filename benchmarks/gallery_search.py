"""Print how long it takes to find the nearest of many vectors, beside scikit-learn's brute force in the same process.

python benchmarks/gallery_search.py
"""

from __future__ import annotations

import time
from functools import partial

SIZES = ((100_000, 64), (100_000, 128), (1_000_000, 64))
TOP, REPEATS = 5, 15


def main():
    """Print a row for each size: the least and the median of some searches, in milliseconds."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    from kzoo.tasks.vector_measures import nearest, unit_vectors

    rng = np.random.default_rng(0)
    print(
        f"{'vectors':>10}{'numbers':>9}{'kzoo min':>10}{'median':>9}{'sklearn min':>13}{'median':>9}  ms, of one query"
    )
    for count, width in SIZES:
        gallery = unit_vectors(rng.normal(size=(count, width)).astype(np.float32))
        query = unit_vectors(rng.normal(size=(1, width)))
        other = NearestNeighbors(n_neighbors=TOP, metric="cosine", algorithm="brute").fit(gallery)
        assert set(nearest(query, gallery, TOP)[0][0]) == set(other.kneighbors(query)[1][0])
        searches = {"kzoo": partial(nearest, query, gallery, TOP), "sklearn": partial(other.kneighbors, query)}
        took: dict[str, list[float]] = {name: [] for name in searches}
        for _ in range(REPEATS):  # in turn, so that what else the machine does meets both
            for name, search in searches.items():
                began = time.perf_counter()
                search()
                took[name].append((time.perf_counter() - began) * 1000)
        shown = [figure for times in took.values() for figure in (min(times), float(np.median(times)))]
        print(f"{count:>10,}{width:>9}{shown[0]:>10.1f}{shown[1]:>9.1f}{shown[2]:>13.1f}{shown[3]:>9.1f}")


if __name__ == "__main__":
    main()

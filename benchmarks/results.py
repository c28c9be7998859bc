"""What a benchmark found: its tables, what is asked for and whether it was reached, and the machine; told and kept.

`Report` prints each part when it is known and writes all of them as JSON; `read` reads one back, and names what is
missing in it.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import platform
import re
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("kzoo", "keras", "tensorflow", "numpy", "torch", "jax", "onnxruntime", "openvino", "opencv-python-headless")
INSTRUCTIONS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd")
FIELDS = ("benchmark", "date", "arguments", "machine", "tables", "asked_for", "notes")
OF_THE_MACHINE = ("processor", "instructions", "cores", "memory_gb", "system", "python", "load", "versions")
OF_A_LIMIT = ("what", "limit", "found", "reached")
RATIOS = ("arm", "median", "from", "to", "unit", "ratio", "ratio_from", "ratio_to", "rounds")
"""What a row of `measuring.rows_of` has."""


class Report:
    """The tables of one benchmark, printed as they come.

    Args:
        name: That of the benchmark, as ``python -m benchmarks`` takes it.
        asked: Its options; those of `measuring.parser_of` say where it is written.
    """

    def __init__(self, name, asked):
        self.name, self.asked = name, asked
        self.tables, self.asked_for, self.notes = {}, [], []

    def table(self, name, title, rows):
        """Print rows and keep them: those of `measuring.rows_of`, or any that have the same columns."""
        self.tables[name] = {"title": title, "rows": rows}
        show(rows, title)

    def limit(self, what, found, *, least=None, most=None):
        """Say whether what was asked for is reached; return whether it is."""
        held = bool(found >= least if most is None else found <= most)
        limit = f">= {least:g}" if most is None else f"<= {most:g}"
        self.asked_for.append({"what": what, "limit": limit, "found": found, "reached": held})
        print(f"{what}: {found:.3f}, asked for {limit}: {'reached' if held else 'NOT reached'}", flush=True)
        return held

    def note(self, text):
        """Print a sentence and keep it."""
        self.notes.append(text)
        print(text, flush=True)

    def keep(self):
        """Write all of it with the machine's description to ``--json``, and for the page with ``--keep``."""
        told = {
            "benchmark": self.name,
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "arguments": _given(self.asked),
            "machine": machine(),
            "tables": self.tables,
            "asked_for": self.asked_for,
            "notes": self.notes,
        }
        places = [self.asked.json] if self.asked.json else []
        if self.asked.keep:
            RESULTS.mkdir(exist_ok=True)
            places.append(RESULTS / f"{self.name}.json")
        for place in places:
            place.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def read(path):
    """Return what `Report.keep` wrote; end the program with a sentence where something of it is missing."""
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {error}. Make it anew: python -m benchmarks {path.stem} --keep"
        raise SystemExit(message) from error
    if missing := list(_missing(told)):
        message = (
            f"{path} is not what a benchmark writes: {', '.join(missing)} missing or of another kind. Make it anew: "
            f"python -m benchmarks {path.stem} --keep"
        )
        raise SystemExit(message)
    return told


def _missing(told):
    """Give the name of each field that is not there, or is not what it should be."""
    if not isinstance(told, dict):
        yield "everything"
        return
    yield from (one for one in FIELDS if one not in told)
    for field, kind in (("arguments", dict), ("machine", dict), ("tables", dict), ("asked_for", list), ("notes", list)):
        if field in told and not isinstance(told[field], kind):
            yield field
            return
    if "machine" in told:
        yield from (f"machine.{one}" for one in OF_THE_MACHINE if one not in told["machine"])
    for number, limit in enumerate(told.get("asked_for", ())):
        yield from (f"asked_for[{number}].{one}" for one in OF_A_LIMIT if one not in limit)
    for name, table in told.get("tables", {}).items():
        if not isinstance(table, dict) or not isinstance(table.get("rows"), list) or not table["rows"]:
            yield f"tables.{name}.rows"
            continue
        if "title" not in table:
            yield f"tables.{name}.title"
        wanted = RATIOS if "ratio" in table["rows"][0] else list(table["rows"][0])
        for number, row in enumerate(table["rows"]):
            yield from (f"tables.{name}.rows[{number}].{one}" for one in wanted if one not in row)


def show(rows, title):
    """Print rows as a table."""
    print(title)
    if "ratio" not in rows[0]:
        cells = [list(rows[0]), *([shown(value) for value in row.values()] for row in rows)]
        widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
        for line in cells:
            print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip(), flush=True)
        return
    first = rows[0]["arm"]
    print(f"{'':<26}{'median':>10} {rows[0]['unit']:<9}{'from':>9} {'to':>9}   {first} is better by (from to)")
    for row in rows:
        numbers = f"{shown(row['median']):>10} {'':<9}{shown(row['from']):>9} {shown(row['to']):>9}"
        ratio = f"{row['ratio']:.3f} ({row['ratio_from']:.3f} {row['ratio_to']:.3f})" if row is not rows[0] else ""
        print(f"{row['arm']:<26}{numbers}   {ratio}", flush=True)


def shown(value):
    """Return a value as tables have it: four digits that count, and no fewer than stand before the point."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    return f"{value:,.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"


def machine():
    """Return what the numbers depend on: processor, its instructions, cores, memory, system, versions; no name."""
    told = Path("/proc/cpuinfo").read_text("utf-8") if Path("/proc/cpuinfo").exists() else ""
    name = re.search(r"(?m)^model name\s*:\s*(.+)$", told)
    flags = re.search(r"(?m)^(?:flags|Features)\s*:\s*(.+)$", told)
    there = set(flags[1].split()) if flags else set()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": name[1].strip() if name else platform.processor() or platform.machine(),
        "instructions": [one for one in INSTRUCTIONS if one in there],
        "cores": cores,
        "memory_gb": round(memory / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "versions": {one: found for one in PACKAGES if (found := _version(one))},
    }


def _given(asked):
    """Return the options that were given other values than they have by themselves; of paths the last name alone."""
    given = {}
    for key, value in vars(asked).items():
        if key in ("json", "keep", "defaults") or value == asked.defaults.get(key):
            continue
        given[key] = ",".join(part.rpartition("/")[2] for part in str(value).split(","))
    return given


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""

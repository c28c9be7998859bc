"""The page of `kzoo demo` in Chromium before a camera that is a file: frames a second, how old answers are, requests.

For each model the command is started as a user starts it, the camera is opened, and after two seconds the page is
watched for a while. Printed, as a row of a table: answers a second, the median and the 95th percentile of their age
(from the moment when the browser got the frame to the moment when its answer is drawn), processor time of the command
for each answer, requests of the page and how many of them went to another machine, and the machine's load at the time.

    pip install playwright "kzoo[demo]"; apt-get install chromium
    python benchmarks/demo.py runs/mnist/... model.onnx --camera digit.mjpeg --seconds 20

A camera's file holds JPEGs one after the other: `cat *.jpg > camera.mjpeg`; 640 x 480 is what the page asks for.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

SETTLED = 2000  # milliseconds
WAIT = 120_000  # milliseconds
WATCHED = """
window.ages = [];
new MutationObserver(() => window.ages.push(Number(document.querySelector('[data-at=view]').dataset.last)))
  .observe(document.querySelector('[data-at=view]'), { attributeFilter: ['data-frames'] });
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "models", nargs="+", help="what `kzoo demo` shows; options in the same word: 'fingers --window 1'"
    )
    parser.add_argument("--camera", type=Path, required=True, help="an .mjpeg file")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--screenshots", type=Path, help="a folder for a picture of each page")
    options = parser.parse_args()
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        parser.error("there is no Chromium on this machine")
    print("| model | answers a second | age, median | age, 95 % | CPU of the command | requests, foreign | load |")
    print("|---|---|---|---|---|---|---|")
    for model in options.models:
        print(row(model, measured(model, browser, options)), flush=True)


def measured(model, browser, options):
    """Return what one page came to."""
    command = [sys.executable, "-m", "kzoo", "demo", *shlex.split(model), "--port", "0"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = demo.stdout.readline().strip()
    if not address:
        sys.exit(demo.stderr.read())
    asked = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser,
            args=["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                  f"--use-file-for-fake-video-capture={options.camera.absolute()}"],
        )  # fmt: skip
        context = chromium.new_context(permissions=["camera"], viewport={"width": 1180, "height": 800})
        context.set_default_timeout(WAIT)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("[data-ready=true]")
        page.click("text=Open the camera")
        page.wait_for_timeout(SETTLED)
        before = processor_time(demo.pid)
        page.evaluate(WATCHED)
        page.wait_for_timeout(1000 * options.seconds)
        ages = json.loads(page.evaluate("JSON.stringify(window.ages)"))
        after = processor_time(demo.pid)
        if options.screenshots:
            options.screenshots.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=options.screenshots / f"{re.sub('[^a-z0-9]+', '-', model.lower())[-60:]}.png")
        chromium.close()
    demo.send_signal(signal.SIGINT)
    demo.wait(30)
    foreign = [one for one in asked if not re.match(r"(http://127\.0\.0\.1:\d+/|data:|blob:)", one)]
    return {
        "ages": ages,
        "seconds": options.seconds,
        "cpu": after - before,
        "asked": len(asked),
        "foreign": len(foreign),
    }


def row(model, found):
    ages = sorted(found["ages"])
    if not ages:
        return f"| `{model}` | 0 | | | | {found['asked']}, {found['foreign']} | {os.getloadavg()[0]:.1f} |"
    return (
        f"| `{model}` | {len(ages) / found['seconds']:.1f} | {statistics.median(ages):.0f} ms "
        f"| {ages[int(0.95 * (len(ages) - 1))]:.0f} ms | {1000 * found['cpu'] / len(ages):.0f} ms "
        f"| {found['asked']}, {found['foreign']} | {os.getloadavg()[0]:.1f} |"
    )


def processor_time(pid):
    """Return the seconds of processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()

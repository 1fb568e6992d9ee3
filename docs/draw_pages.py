"""Draw the pictures in README: the sample's run as Prefect shows it, its model's page on the Hub, and a plot.

    make sample pictures      # needs Chromium

`docs/pictures/` then holds what the sample made last, as a browser shows it.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from sample import drive_hub
from sample.drive_room import Room
from sample.workspace import PROJECT, SampleError

PICTURES = Path(__file__).with_name("pictures")
PLOT = "bytes.svg"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_WIDTH, _MILLISECONDS = 1200, 20_000


def main() -> int:
    """Draw all three; exit with 1 and a sentence where the sample or a browser is missing."""
    room = Room(PROJECT / ".sample")
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None or not (room.folder / "report.json").exists():
        sys.stderr.write("wanted Chromium, and what `make sample` leaves in .sample\n")
        return 1
    PICTURES.mkdir(exist_ok=True)
    with drive_hub.running(room, 0) as hub:
        shoot(browser, f"{hub.endpoint}/{drive_hub.RELEASE}", PICTURES / "card.png", height=1400)
    with prefect(room) as address:
        asked = {"sort": "CREATED_DESC", "artifacts": {"key": {"any_": ["retrain"]}}, "limit": 1}
        (page,) = httpx2.post(f"{address}/api/artifacts/filter", json=asked).json()
        shoot(browser, f"{address}/artifacts/artifact/{page['id']}", PICTURES / "run.png", height=1400)
    shutil.copyfile(room.work / "card" / "pictures" / PLOT, PICTURES / PLOT)
    return 0


def shoot(browser: str, address: str, picture: Path, *, height: int) -> None:
    """Save what a browser shows of a page.

    Args:
        browser: Chromium's path.
        address: Of the page.
        picture: A PNG file, which is replaced.
        height: Of the window, in points.
    """
    with tempfile.TemporaryDirectory() as home:
        subprocess.run(
            [
                *(
                    browser,
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--hide-scrollbars",
                    "--no-first-run",
                ),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                f"--user-data-dir={home}",
                f"--window-size={_WIDTH},{height}",
                f"--virtual-time-budget={_MILLISECONDS}",
                f"--screenshot={picture}",
                address,
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


@contextmanager
def prefect(room: Room) -> Iterator[str]:
    """Serve the sample's runs, without a password, for as long as the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    with subprocess.Popen(
        command,
        cwd=room.folder,
        env=room.environment(PREFECT_UI_API_URL=f"{address}/api"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            end = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < end:
                with (
                    suppress(urllib.error.URLError, OSError),
                    urllib.request.urlopen(f"{address}/api/health", timeout=5),
                ):
                    break
                time.sleep(0.5)
            else:
                raise SampleError(f"Prefect did not answer at {address}")
            yield address
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())

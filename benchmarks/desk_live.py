"""The desk while somebody works: from the last key to the new preview beside the text (in Chromium, where there is one), and the live board
while ten thousand mails go out.

    python benchmarks/desk_live.py [MAILS]
"""

import contextlib
import itertools
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from desk_hour import begin
from sizes import pick

from distributor.cli.setup import make_site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LIST = '\n[channels.list]\ntype = "email"\nsender = "Press <press@tidewater.example>"\nlists = ["many"]\n'
# Notes the time of every key, and of every preview that comes after it.
WATCH = """() => {
  window.keys = []; window.seen = [];
  document.querySelector("textarea.source").addEventListener("input", () => keys.push(performance.now()));
  new MutationObserver(() => seen.push(performance.now())).observe(document.getElementById("live"), {childList: true});
}"""


def desk(root: Path, stack: contextlib.ExitStack) -> Any:
    """The real `distributor desk`, and its first admin signed in."""
    command = [sys.executable, "-um", "distributor", "--site", str(root), "desk", "--port", "0"]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    stack.callback(process.kill)
    assert process.stdout
    said = "".join(process.stdout.readline() for _ in range(3))
    found = re.search(r"http://\S+/first/\S+", said)
    assert found, said
    return begin(found[0])[0]


def typed(client: Any, strokes: int = 25) -> list[float]:
    """Milliseconds from a key, after which nothing is typed for a while, to the preview."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        for cookie in client.cookies.jar:
            context.add_cookies([{"name": cookie.name, "value": str(cookie.value), "url": str(client.base_url)}])
        page = context.new_page()
        page.goto(f"{client.base_url}/r/harbour-line")
        page.evaluate(WATCH)
        page.locator("textarea.source").first.focus()
        page.keyboard.press("Control+End")
        for number in range(strokes):
            shown = page.evaluate("seen.length")
            page.keyboard.type("abcdefghij"[number % 10])
            page.wait_for_function("shown => seen.length > shown", arg=shown, polling=50, timeout=20_000)
            page.wait_for_timeout(1_200)  # the page is drawn, without a graphics card
        keys, seen = page.evaluate("[keys, seen]")
        browser.close()
    return [min((at - key for at in seen if at >= key), default=9_999.0) for key in keys]


def board(client: Any, root: Path) -> tuple[list[float], int, float]:
    """When each update of the board came while the mails went, the bytes of all, and the seconds that they took."""
    path = root / "releases" / "harbour-line.md"
    lift = (datetime.now(UTC) + timedelta(seconds=12)).replace(microsecond=0)
    text = re.sub(
        r"embargoed_until:.*", f"embargoed_until: {lift:%Y-%m-%d %H:%M:%S} UTC\nchannels: [list]", path.read_text()
    )
    path.write_text(re.sub(r"expires_at:.*\n", "", text))
    other = root / "releases" / "harbour-line.zh-Hant.md"
    other.unlink()
    command = [sys.executable, "-m", "distributor", "--site", str(root)]
    subprocess.run([*command, "schedule", str(path)], check=True, stdout=subprocess.DEVNULL)
    times, size, ended = list[float](), 0, 0.0
    with subprocess.Popen([*command, "run"], stdout=subprocess.DEVNULL) as run:
        try:
            with client.stream("GET", "/events/board/harbour-line-opening", timeout=120) as answer:
                for line in answer.iter_lines():
                    size += len(line)
                    if line == "event: board":
                        times.append(time.time())
                    if (done := re.search(r"<strong>([\d,]+) / ([\d,]+)</strong>", line)) and done[1] == done[2]:
                        ended = time.time()
                        break
        finally:
            run.terminate()
    return [at for at in times if at >= lift.timestamp()], size, ended - lift.timestamp()


def main() -> None:
    """Print two short tables."""
    mails = int(sys.argv[1]) if len(sys.argv) > 1 else pick(10_000, 20)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        root = Path(folder) / "site"
        make_site(root)
        config = root / "config" / "distributor.toml"
        (root / "contacts").mkdir(exist_ok=True)
        (root / "contacts" / "many.csv").write_text(
            "address\n" + "".join(f"r{n}@press.example\n" for n in range(mails))
        )
        client = desk(root, stack)
        if not CHROMIUM:
            print("from the last key to the preview: no Chromium on this machine")
        for words in ("the sample", f"with a list of {mails:,} besides"):
            if CHROMIUM:
                taken = sorted(typed(client, pick(25, 2)))
                p50, p95 = statistics.median(taken), taken[int(0.95 * (len(taken) - 1))]
                print(f"from the last key to the preview, {words}: median {p50:.0f} ms, 95 of 100 within {p95:.0f} ms")
            config.write_text(config.read_text().removesuffix(LIST) + LIST)
        times, size, seconds = board(client, root)
        gaps = [b - a for a, b in itertools.pairwise(times)]
        print(
            f"board while {mails:,} mails go out in {seconds:.1f} s: {len(times) / seconds:.1f} updates a second, "
            f"longest wait {max(gaps, default=0):.2f} s, {size / 1000:,.0f} kB in all"
        )


if __name__ == "__main__":
    main()

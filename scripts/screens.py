#!/usr/bin/env python3
"""Makes the two pictures of the README: what `train` prints, and a run's `report.html`.

    python3 scripts/screens.py BINARY [--out docs] [--competition dog-breed] [--set KEY=VALUE ...]
                               [--run FOLDER] [--sections rates,training,pictures]
                               [--chromium PROGRAM] [--keep]

A small competition is drawn, served on this machine and fetched by `kaggle-kit demo`, and then
trained once more; nobody's photographs are shown. `train.txt` is what the terminal showed,
`report.webp` the page's head with the named sections, each cut down to what says enough: 1280 pixels
wide and less than 200 kB. `--keep` leaves the whole `report.html` there too. `--run` takes a finished
run in place of training one.

It wants Chromium or Chrome (`apt-get install chromium`); without it only the text is written. Two
quiet cores take three minutes.
"""

import argparse
import base64
import html
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from kaggle_clients import main, program, say
from wheels import Failure

# The demo's, so that a picture shows what a reader sees on his own screen.
RECIPE = ["size=128", "head-on-activations.min-steps=200", "head-with-augmentation.epochs=1",
          "whole-network.max-cycles=2"]
WIDTH = 1280
MOST_BYTES = 200_000
# By day, whatever this machine's habit, the column as wide as the picture; of each section what says
# enough: the curves without their tables, the loss, a gallery's first row.
STYLE = """:root { color-scheme: light } main { max-width: none; zoom: 1.3; padding: 1.2rem 1.5rem }
nav, footer, .switch, .lead { display: none } h2 { margin-top: 1.2rem }
#rates table, #rates p.quiet, #training figure:nth-of-type(n+2) { display: none }
.galleries h3:nth-of-type(n+2), .galleries h3:nth-of-type(n+2) ~ * { display: none }
.gallery li:nth-child(n+7) { display: none }"""
# Chromium's own names, and where macOS keeps them.
CHROMIUMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
             "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]


def train(binary, competition, scratch, settings):
    """Trains on what `demo` draws and fetches; gives what `train` printed and the run's folder."""
    demo = subprocess.run([str(binary), "--root", str(scratch), "demo", competition, "--quiet"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if demo.returncode != 0:
        raise Failure("`demo` failed: %s" % demo.stdout.strip(), "see above")
    root = scratch / "demo"
    layers = [word for setting in RECIPE + settings for word in ("--set", setting)]
    done = subprocess.run([str(binary), "--root", str(root), "train", competition] + layers,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=dict(os.environ, NO_COLOR="1"))
    if done.returncode != 0:
        raise Failure("`train` failed: %s" % done.stdout.strip(), "see above")
    runs = sorted((root / "runs" / competition).glob("*/summary.toml"))
    return done.stdout.replace(str(root) + os.sep, ""), runs[-1].parent


def transcript(text, competition, settings):
    """The command and what it printed, without the lines that stand in for a bar in a log."""
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [line for line in lines if not re.match(r"  +\S.*: [\d,.]+( [kMG]?B)? of [\d,.]+", line)]
    typed = "".join(" --set " + setting for setting in settings)
    return "\n".join(["$ kaggle-kit train %s%s" % (competition, typed)] + lines) + "\n"


def chromium(named):
    for name in [named] if named else CHROMIUMS:
        found = shutil.which(name)
        if found:
            return found
    if named:
        raise Failure("there is no program `%s`" % named, "apt-get install chromium")
    return None


class Browser:
    """Chromium without a window, which may not reach anything."""

    def __init__(self, binary, scratch):
        self.command = [binary, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                        "--disable-extensions", "--no-first-run", "--force-device-scale-factor=1",
                        "--proxy-server=127.0.0.1:9", "--user-data-dir=%s" % (scratch / "profile")]

    def run(self, *arguments):
        done = subprocess.run(self.command + [str(argument) for argument in arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180)
        if done.returncode != 0:
            raise Failure("the browser failed: %s" % done.stderr.decode(errors="replace").strip(),
                          "name another with --chromium")
        return done.stdout.decode(errors="replace")

    def answer(self, page):
        """What a page's script has written into `<output>`."""
        dom = self.run("--window-size=%d,900" % WIDTH, "--virtual-time-budget=10000", "--dump-dom",
                       page.as_uri())
        found = re.search(r"<output[^>]*>([^<]*)</output>", dom)
        if not found:
            raise Failure("the browser did not run the script of `%s`" % page, "is it too old?")
        return html.unescape(found.group(1))


def picture(browser, report, sections, scratch):
    """The page's head and the named sections, as the bytes of a WebP."""
    text = report.read_text()
    # The page itself allows no script, and we measure with one.
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    shown = ", ".join("#" + name for name in sections)
    known = re.findall(r'<section id="([^"]*)"', text)
    unknown = [name for name in sections if name not in known]
    if unknown:
        raise Failure("the page has no section `%s`" % "`, `".join(unknown),
                      "it has " + ", ".join(known))
    style = "<style>%s section:not(%s){display:none}</style>" % (STYLE, shown)
    measure = ("<output hidden></output><script>addEventListener('load',()=>{document.querySelector("
               "'output').textContent=Math.ceil(document.querySelector('main')"
               ".getBoundingClientRect().height)})</script>")
    page = scratch / "page.html"
    page.write_text(text.replace("</head>", style + "</head>").replace("</body>", measure + "</body>"))
    height = int(browser.answer(page))
    shot = scratch / "shot.png"
    browser.run("--window-size=%d,%d" % (WIDTH, height), "--screenshot=%s" % shot, page.as_uri())
    for quality in (0.9, 0.82, 0.74, 0.66, 0.55, 0.4):
        webp = as_webp(browser, shot, quality, scratch)
        if len(webp) < MOST_BYTES:
            return webp, height
    raise Failure("%d bytes, more than %d" % (len(webp), MOST_BYTES), "name fewer --sections")


def as_webp(browser, shot, quality, scratch):
    """A browser is the one encoder of WebP that is there already."""
    png = base64.b64encode(shot.read_bytes()).decode()
    page = scratch / "encode.html"
    page.write_text("""<output></output><script>
        const image = new Image();
        image.onload = () => {
            const canvas = document.createElement('canvas');
            canvas.width = image.width; canvas.height = image.height;
            canvas.getContext('2d').drawImage(image, 0, 0);
            document.querySelector('output').textContent = canvas.toDataURL('image/webp', %s);
        };
        image.src = 'data:image/png;base64,%s';
    </script>""" % (quality, png))
    address = browser.answer(page)
    kind, _, data = address.partition(",")
    if kind != "data:image/webp;base64":
        raise Failure("the browser encodes no WebP", "name another with --chromium")
    return base64.b64decode(data)


def work():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("binary", help="kaggle-kit")
    parser.add_argument("--out", default="docs", help="the folder of both pictures (docs)")
    parser.add_argument("--competition", default="dog-breed", help="what is drawn (dog-breed)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="a setting of the recipe besides the demo's (repeatable)")
    parser.add_argument("--run", help="a finished run's folder, in place of training one")
    parser.add_argument("--sections", default="rates,training,pictures",
                        help="of the page (rates,training,pictures)")
    parser.add_argument("--chromium", help="the browser (the first that is found)")
    parser.add_argument("--keep", action="store_true", help="keep report.html as well")
    arguments = parser.parse_args()
    binary, browser = program(arguments.binary), chromium(arguments.chromium)
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-screens-") as scratch:
        scratch = pathlib.Path(scratch)
        if arguments.run:
            run = pathlib.Path(arguments.run)
        else:
            say("training a small `%s`" % arguments.competition)
            text, run = train(binary, arguments.competition, scratch, arguments.set)
            (out / "train.txt").write_text(transcript(text, arguments.competition, arguments.set))
            say("%s" % (out / "train.txt"))
        if arguments.keep:
            shutil.copy(run / "report.html", out / "report.html")
        if browser is None:
            say("no picture: there is no Chromium (apt-get install chromium)")
            return 0
        webp, height = picture(Browser(browser, scratch), run / "report.html",
                               arguments.sections.split(","), scratch)
    (out / "report.webp").write_bytes(webp)
    say("%s: %d x %d pixels, %d bytes" % (out / "report.webp", WIDTH, height, len(webp)))
    return 0


if __name__ == "__main__":
    main(work)

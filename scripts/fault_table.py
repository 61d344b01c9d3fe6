#!/usr/bin/env python3
"""What kaggle-kit and Kaggle's official client do when something goes wrong, as a Markdown table.

    python3 scripts/fault_table.py [BINARY] [--standin BINARY] [--only FAULT]

Every fault of `standin serve` happens to a download of about 3 MB or to an upload of about 1 MB with
`kaggle` 2.2.5 and with kaggle-kit. Columns: how the command ended and what it said; how many bytes
went over the wire more than once, or for nothing (from the stand-in's log); what is there afterwards,
by sha256; and the same after the command is run once more, as a person would do. A command that does
not end within the limit is stopped.
"""

import pathlib
import re
import shutil
import tempfile

from kaggle_clients import (SLUGS, Official, Ours, Standin, arguments, in_folder, install, main,
                            programs, sha256, table, unpacked)
from wheels import Failure

NAME = "dog-breed"  # its bundle holds the files themselves
SLUG = SLUGS[NAME]
FILLER = 3_000_000
CUT = 1_500_000

# What is told, and the stand-in's arguments.
DOWNLOADS = [
    ("nothing", []),
    ("cut at byte %d" % CUT, ["cut=%d" % CUT]),
    ("cut three times", ["cut=%d" % (CUT // 3)] * 3),
    ("silence after %d bytes" % CUT, ["stall=%d" % CUT]),
    ("429 with `Retry-After: 3`", ["api-429=3"]),
    ("429 without", ["api-429"]),
    ("500 from the API", ["api-500"]),
    ("503 from the API", ["api-503"]),
    ("500 from storage", ["storage-500"]),
    ("503 from storage", ["storage-503"]),
    ("429 from storage in mid-download", ["cut=%d" % CUT, "storage-429=3"]),
    ("address expired at once (400)", ["expired"]),
    ("address expired in mid-download (400)", ["cut=%d" % CUT, "expired"]),
    ("address refused in mid-download (403)", ["cut=%d" % CUT, "denied"]),
    ("another file from byte %d on" % CUT, ["changed=%d" % CUT]),
    ("wrong md5, once", ["wrong-hash"]),
    ("wrong md5, always", ["wrong-hash*20"]),
    ("a bit is another one, once", ["damaged"]),
    ("error in JSON with status 200", ["error-body"]),
    ("the same in mid-download", ["cut=%d" % CUT, "error-body"]),
    ("HTML login page", ["login-page"]),
    ("the same in mid-download", ["cut=%d" % CUT, "login-page"]),
]
UPLOADS = [
    ("nothing (upload)", []),
    ("upload cut, its bytes kept", ["upload-cut=500000"]),
    ("upload cut, its bytes lost", ["upload-lost=500000"]),
    ("503 to the upload", ["upload-503"]),
    ("upload session gone (410)", ["upload-410"]),
    ("429 to the upload's start", ["api-429=3"]),
    ("503 to `CreateSubmission`", ["submission-503"]),
    ("submission taken, answer lost", ["lost-answer"]),
    ("submission lost, no answer", ["lost-request"]),
    ("the score takes a while", ["pending*3"]),
]


class Place:
    """Where a client puts what it downloads, and what it should be."""

    def __init__(self, client, folder, bundle):
        self.client, self.folder = client, folder
        # The other version that the stand-in has after a change: one bit of a time stamp.
        self.versions = [bundle, bundle[:10] + bytes([bundle[10] ^ 1]) + bundle[11:]]
        self.files = unpacked(bundle)

    def command(self):
        if self.client.name == Ours.name:
            return self.client.run("fetch", NAME, "--keep-archives", limit=self.limit)
        return self.client.run("download", SLUG, "-p", self.folder, limit=self.limit)

    def state(self):
        """In words, and how many good bytes are kept."""
        found = in_folder(self.folder)
        if self.client.name == Ours.name:
            done = [path for name, path in found.items() if name.endswith(".zip")]
            begun = [path for name, path in found.items() if name.endswith(".part")]
        else:
            # It writes to the last name from the start, with a marker beside it.
            all_zips = [path for name, path in found.items() if name.endswith(".zip")]
            begun = [path for path in all_zips
                     if path.with_name(path.name + ".kaggle-partial").exists()]
            done = [path for path in all_zips if path not in begun]
        if done:
            if sha256(done[0]) not in [sha256(version) for version in self.versions]:
                return "**damaged, looks whole**", 0
            if self.client.name == Ours.name and not self.is_unpacked(found):
                return "**not all is unpacked**", done[0].stat().st_size
            return "whole", done[0].stat().st_size
        if begun:
            content = begun[0].read_bytes()
            if not any(version.startswith(content) for version in self.versions):
                return "**damaged**, kept as a part of %d bytes" % len(content), 0
            return "a part, %d bytes" % len(content), len(content)
        return "nothing", 0

    def is_unpacked(self, found):
        data = "data/%s/" % NAME
        return all(data + name in found and found[data + name].read_bytes() == content
                   for name, content in self.files.items())


def download(client, standin, folder, bundle, limit):
    """A row's cells."""
    place = Place(client, folder, bundle)
    place.limit = limit
    cells = []
    sent_before = kept_before = 0
    for _ in range(2):
        outcome = place.command()
        state, kept = place.state()
        sent = standin.downloaded()
        twice = max(0, sent - sent_before - max(0, kept - kept_before))
        cells += [ending(outcome, limit), said(outcome), "{:,}".format(twice), state]
        sent_before, kept_before = sent, kept
    del cells[5]
    return cells


def upload(client, standin, csv, limit):
    """A row's cells; a person does it again only if it seems not to have worked."""
    cells = []
    needless_before = 0
    size = csv.stat().st_size
    for _ in range(2):
        if client.name == Ours.name:
            outcome = client.run("submit", "--csv", str(csv), NAME, "--upload", "-m", "a try",
                                 limit=limit)
        else:
            outcome = client.run("submit", SLUG, "-f", str(csv), "-m", "a try", limit=limit)
        made = standin.submissions(SLUG)
        whole = all(standin.submitted(one["ref"]) == csv.read_bytes() for one in made)
        # What is uploaded and not yet submitted may still be of use.
        needless = max(0, standin.uploaded() - size * max(1, len(made)))
        state = ["no submission", "1 submission", "**2 submissions, a slot is lost**"][len(made)]
        cells += [ending(outcome, limit), said(outcome), "{:,}".format(needless - needless_before),
                  state + ("" if whole else ", **damaged**")]
        needless_before = needless
        if outcome.code == 0 and len(cells) == 4:
            return cells + ["", "", ""]
    del cells[5]
    return cells


def ending(outcome, limit):
    return "stopped after %d s" % limit if outcome.code is None else outcome.code


def said(outcome):
    """What it says of its trouble, without what is another one each time."""
    lines = outcome.lines()
    told = [line for line in lines
            if line.startswith(("warning: ", "Retry ")) or "anew" in line or "trying again" in line]
    line = "; ".join(told[-1:])
    if outcome.code != 0:
        line = outcome.last_line
        if line.startswith("http"):
            line = " ".join(lines[-2:])
    line = re.sub(r"((?<='), port=|(?<=localhost):|(?<=127\.0\.0\.1):)\d+", "", line)
    line = re.sub(r"\S*kaggle-kit-faults-\w+", "...", line)
    line = line if len(line) < 200 else line[:197] + "..."
    return "`%s`" % line.replace("`", "'") if line else ""


def work():
    parser = arguments(__doc__)
    parser.add_argument("--only", help="only faults with this in their names or arguments")
    parser.add_argument("--limit", type=int, default=150, help="seconds a command (150)")
    given = parser.parse_args()
    binary, server = programs(given)
    binaries = install()
    wanted = [("download", *row) for row in DOWNLOADS] + [("upload", *row) for row in UPLOADS]
    if given.only:
        wanted = [row for row in wanted
                  if given.only in row[1] or any(given.only in name for name in row[2])]
    if not wanted:
        raise Failure("there is no fault with `%s`" % given.only, "leave out --only")
    options = {"download": ["--competition", NAME, "--filler", str(FILLER)],
               "upload": ["--competition", NAME]}
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-faults-") as quiet:
        quiet = pathlib.Path(quiet)
        # What should land, and the data against which a file is checked before it is sent; every
        # stand-in draws the same.
        bundles = {}
        for kind in options:
            with Standin(server, quiet, options[kind]) as standin:
                bundles[kind] = standin.bundle(SLUG)
                if kind == "upload":
                    Ours(binary, quiet, standin).must_run("fetch", NAME)
        return tell(wanted, options, bundles, (binary, server, binaries), quiet, given.limit)


def tell(wanted, options, bundles, programs, quiet, limit):
    """Runs all of it and prints the table."""
    binary, server, binaries = programs
    rows = []
    for kind, name, faults in wanted:
        bundle = bundles[kind]
        for client_name in (Ours.name, Official.name):
            with tempfile.TemporaryDirectory(prefix="kaggle-kit-faults-") as scratch:
                scratch = pathlib.Path(scratch)
                home = scratch / "home"
                home.mkdir()
                troubles = [part for fault in faults for part in ("--fault", fault)]
                with Standin(server, scratch, options[kind] + troubles) as standin:
                    client = (Ours(binary, home, standin) if client_name == Ours.name
                              else Official(binaries, home, standin))
                    if kind == "download":
                        cells = download(client, standin, home, bundle, limit)
                    else:
                        csv = scratch / "submission.csv"
                        csv.write_text(large_submission(bundle, 1_000_000))
                        shutil.copytree(quiet / "data", home / "data")
                        cells = upload(client, standin, csv, limit)
            rows.append([name, client_name] + cells)
            print("%s, %s: %s" % (name, client_name, ", ".join(str(cell) for cell in cells)),
                  flush=True)
    print()
    print(table(["fault", "client", "exit code", "it says", "bytes for nothing", "then there is",
                 "exit code of the next call", "bytes for nothing", "then there is"], rows))
    return 0


def large_submission(bundle, size):
    """The sample submission with so many digits that it is about as large as wanted."""
    files = unpacked(bundle)
    header, *lines = files["sample_submission.csv"].decode().split()
    n_columns = header.count(",")
    digits = max(12, size // (len(lines) * n_columns))
    share = ("%.12f" % (1 / n_columns)).ljust(digits + 2, "0")
    rows = [line.split(",")[0] + ("," + share) * n_columns for line in lines]
    return "\n".join([header] + rows) + "\n"


if __name__ == "__main__":
    main(work)

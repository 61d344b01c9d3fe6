#!/usr/bin/env python3
"""Runs Kaggle's official clients and kaggle-kit against `kaggle-kit standin serve`.

    python3 scripts/test_kaggle.py [BINARY] [--standin BINARY]      what `make test-kaggle` does

Files, download, submit, submissions and leaderboard, data sets, notebooks and their submission
(`kaggle_code.py`), for every competition, with `kaggle` 2.2.5,
`kagglehub` 1.0.2 and kaggle-kit; what lands is compared byte by byte with what the stand-in has. The
last line is `N passed, N failed`; exit code 0 only if none failed. The official clients come from
PyPI into a virtual environment in the cache, once.
"""

import csv
import io
import json
import pathlib
import tempfile
import zipfile

import kaggle_code
from kaggle_clients import (SLUGS, Hub, Official, Ours, Standin, arguments, in_folder, install,
                            main, programs, table, unpacked)

LIMIT = 120  # seconds a command


class Checks:
    """What was tried and how it ended."""

    def __init__(self):
        self.rows = []
        self.n_failed = 0

    def note(self, competition, step, client, problem, result):
        """One row; a problem is a text, or nothing."""
        self.n_failed += bool(problem)
        self.rows.append([competition, step, client, "FAILED" if problem else "ok",
                          problem or result])
        print("%-13s %-16s %-16s %s" % tuple(self.rows[-1][:3] + [problem or "ok: " + result]),
              flush=True)

    def ended(self, competition, step, client, outcome, check):
        """A command's row; `check` gives a problem and a result, if the command is a success."""
        problem, result = failed(outcome), ""
        if not problem:
            problem, result = check()
        self.note(competition, step, client.name, problem, result)


def failed(outcome):
    """Why a command is no success, or nothing."""
    if outcome.code == 0:
        return None
    code = "no end after %d s" % LIMIT if outcome.code is None else "exit code %d" % outcome.code
    return "%s: %s" % (code, outcome.last_line)


def different(expected, found):
    """How files differ from what they should be, or nothing; both by path."""
    missing = sorted(set(expected) - set(found))
    if missing:
        return "%d of %d files are missing, the first is %s" % (len(missing), len(expected),
                                                               missing[0])
    for path, content in sorted(expected.items()):
        if found[path].read_bytes() != content:
            return "%s is not what the stand-in has" % path
    return None


def rows_of(text):
    """The rows of a table that a client prints; lines before its header are no part of it."""
    lines = [line for line in text.splitlines() if "," in line]
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


def official(checks, name, client, standin, bundle, sample, folder):
    """All of it with the `kaggle` command."""
    slug = SLUGS[name]

    def note(step, outcome, check):
        checks.ended(name, step, client, outcome, check)

    names, token = [], None
    while token != "":
        page = client.run("files", slug, "--csv", "--page-size", "200",
                          *(["--page-token", token] if token else []), limit=LIMIT)
        if failed(page):
            break
        names += [row["name"] for row in rows_of(page.output)]
        told = [line for line in page.output.splitlines() if line.startswith("Next Page Token")]
        token = told[0].split("=")[1].strip() if told else ""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        listed = archive.namelist()
    note("files", page, lambda: (None if sorted(names) == sorted(listed) else
                                 "%d names, not the bundle's %d" % (len(names), len(listed)),
                                 "%d names" % len(names)))

    outcome = client.run("download", slug, "-p", folder, limit=LIMIT)
    target = folder / (slug + ".zip")
    note("download", outcome, lambda: (None if target.read_bytes() == bundle else
                                       "the bundle is another one", "%d bytes" % len(bundle)))

    file_name = [path for path in listed if path.split("/")[-1].startswith("sample_")][0]
    outcome = client.run("download", slug, "-f", file_name, "-p", folder / "one", limit=LIMIT)

    def one_file():
        # Larger tables arrive in a zip, and keep their folder.
        (landed,) = in_folder(folder / "one").values()
        content = landed.read_bytes()
        if landed.suffix == ".zip":
            (content,) = unpacked(content).values()
        return (None if content == sample else "%s is another one" % landed.name, landed.name)
    note("download -f", outcome, one_file)

    path = folder / "s.csv"
    path.write_bytes(sample)
    outcome = client.run("submit", slug, "-f", path, "-m", "by kaggle", limit=LIMIT)

    def submitted():
        (one,) = standin.submissions(slug)
        same = standin.submitted(one["ref"]) == sample
        return (None if same else "the stand-in has another file", "ref %d" % one["ref"])
    note("submit", outcome, submitted)

    outcome = client.run("submissions", slug, "--csv", limit=LIMIT)

    def history():
        (row,) = rows_of(outcome.output)
        told = (row["fileName"], row["description"], row["publicScore"])
        (one,) = standin.submissions(slug)
        expected = ("s.csv", "by kaggle", one["publicScore"])
        return (None if told == expected else "it tells %s" % (told,), "%s, %s" % told[1:])
    note("submissions", outcome, history)

    outcome = client.run("leaderboard", slug, "--show", "--csv", limit=LIMIT)
    note("leaderboard", outcome, lambda: board([(row["teamName"], row["score"])
                                                for row in rows_of(outcome.output)], standin, slug))
    outcome = client.run("leaderboard", slug, "--download", "-p", folder / "board", limit=LIMIT)

    def downloaded_board():
        (landed,) = in_folder(folder / "board").values()
        (text,) = unpacked(landed.read_bytes()).values()
        return board([(row["TeamName"], row["Score"]) for row in rows_of(text.decode())],
                     standin, slug)
    note("leaderboard -d", outcome, downloaded_board)


def board(told, standin, slug):
    """Whether a leaderboard is the stand-in's."""
    with standin.call("GetLeaderboard", competitionName=slug) as answer:
        teams = json.load(answer)["submissions"]
    expected = [(team["teamName"], float(team["score"])) for team in teams]
    told = [(team, float(score)) for team, score in told]
    return (None if told == expected else "it tells %s" % told, "%d teams" % len(told))


def hub(checks, name, client, bundle, sample):
    """Downloads with kagglehub, which unpacks the bundle, but nothing in it."""
    slug = SLUGS[name]
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        expected = {path: archive.read(path) for path in archive.namelist()}
    # One file first: after the bundle, kagglehub takes the file it has for a part of a zip.
    file_name = [path for path in expected if path.split("/")[-1].startswith("sample_")][0]
    outcome = client.download(slug, file_name, limit=LIMIT)
    problem = failed(outcome)
    if not problem and pathlib.Path(outcome.output.split("\n")[-2]).read_bytes() != sample:
        problem = "%s is another one" % file_name
    checks.note(name, "download, one", client.name, problem, file_name)
    outcome = client.download(slug, limit=LIMIT)
    problem = failed(outcome)
    if not problem:
        problem = different(expected, in_folder(outcome.output.split("\n")[-2]))
    checks.note(name, "download", client.name, problem, "%d files" % len(expected))


def ours(checks, name, client, standin, bundle, sample, folder):
    """All of it with kaggle-kit."""
    slug = SLUGS[name]

    def note(step, outcome, check):
        checks.ended(name, step, client, outcome, check)

    outcome = client.run("fetch", name, "--dry-run", limit=LIMIT)
    note("files", outcome, lambda: (None, "fetch --dry-run"))

    outcome = client.run("fetch", name, "--keep-archives", limit=LIMIT)
    data = client.root / "data" / name

    def fetched():
        found = in_folder(data)
        # The bundle, or the files in it where they are few.
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            whole = [archive.read(path) for path in archive.namelist()] + [bundle]
        kept = [path for path in found.values() if path.suffix in (".zip", ".7z")]
        if not kept or not all(path.read_bytes() in whole for path in kept):
            return "%d archives were kept, not all as the stand-in has them" % len(kept), ""
        # What is in a 7z cannot be read with Python alone; `fetch` has counted it. Planet's tables
        # come in folders of their own names, and one of them is of no use and left out.
        expected = {path.split("/")[-1] if name == "planet" else path: content
                    for path, content in unpacked(bundle).items()
                    if not path.endswith(".7z") and "file_mapping" not in path}
        return different(expected, found), "%d bytes, %d files" % (len(bundle), len(expected))
    note("download", outcome, fetched)
    before = standin.downloaded()
    outcome = client.run("fetch", name, limit=LIMIT)
    note("download again", outcome, lambda: (
        "%d bytes came again" % (standin.downloaded() - before)
        if standin.downloaded() != before else None, "nothing came over the wire"))

    path = folder / "ours.csv"
    path.write_bytes(sample)
    n_before = len(standin.submissions(slug))
    outcome = client.run("submit", "--csv", str(path), name, "--upload", "-m", "by kaggle-kit",
                         limit=LIMIT)

    def submitted():
        made = standin.submissions(slug)
        if len(made) != n_before + 1:
            return "%d submissions were made" % (len(made) - n_before), ""
        same = standin.submitted(made[0]["ref"]) == sample
        return (None if same else "the stand-in has another file", "ref %d" % made[0]["ref"])
    note("submit", outcome, submitted)

    outcome = client.run("submissions", name, "--json", limit=LIMIT)

    def history():
        text = json.dumps(json.loads(outcome.output))
        wanted = ["by kaggle-kit", "ours.csv"] + [str(one["ref"])
                                                  for one in standin.submissions(slug)]
        missing = [word for word in wanted if word not in text]
        return ("it does not tell %s" % missing if missing else None, "tells all of it")
    note("submissions", outcome, history)

    outcome = client.run("leaderboard", name, "--json", limit=LIMIT)

    def board_of_ours():
        text = json.dumps(json.loads(outcome.output))
        with standin.call("GetLeaderboard", competitionName=slug) as answer:
            teams = json.load(answer)["submissions"]
        missing = [team["teamName"] for team in teams if team["teamName"] not in text]
        return ("it does not tell %s" % missing if missing else None, "%d teams" % len(teams))
    note("leaderboard", outcome, board_of_ours)


def code(checks, name, binaries, homes, standin):
    """Data sets and notebooks, with both commands."""
    official_one, one_of_ours = Official(binaries[0], homes[0], standin), Ours(binaries[1], homes[2],
                                                                               standin)

    def noted(client):
        return lambda step, outcome, check: checks.ended(name, step, client, outcome, check)

    theirs = kaggle_code.official(noted(official_one), official_one, standin, SLUGS[name], homes[3],
                                  LIMIT)
    kaggle_code.ours(noted(one_of_ours), one_of_ours, official_one, standin, name, SLUGS[name], theirs,
                     homes[3], LIMIT)


def work():
    parser = arguments(__doc__)
    parser.add_argument("--competition", action="append", choices=sorted(SLUGS), help="only this")
    given = parser.parse_args()
    binary, server = programs(given)
    binaries = install()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-clients-") as scratch:
        for name in given.competition or sorted(SLUGS):
            folder = pathlib.Path(scratch) / name
            homes = [folder / client for client in ("official", "hub", "ours", "files")]
            for home in homes:
                home.mkdir(parents=True)
            with Standin(server, folder, ["--competition", name, "--daily-submissions", "20"], port=Hub.PORT) as standin:
                bundle = standin.bundle(SLUGS[name])
                sample = [content for path, content in unpacked(bundle).items()
                          if path.split("/")[-1].startswith("sample_")][0]
                files = homes[3]
                official(checks, name, Official(binaries, homes[0], standin), standin, bundle,
                         sample, files)
                hub(checks, name, Hub(binaries, homes[1]), bundle, sample)
                ours(checks, name, Ours(binary, homes[2], standin), standin, bundle, sample, files)
                code(checks, name, (binaries, binary), homes, standin)
    print()
    print(table(["competition", "step", "client", "", "result"], checks.rows))
    print("%d passed, %d failed" % (len(checks.rows) - checks.n_failed, checks.n_failed))
    return 1 if checks.n_failed or not checks.rows else 0


if __name__ == "__main__":
    main(work)

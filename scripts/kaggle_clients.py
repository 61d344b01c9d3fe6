"""What the scripts share that run Kaggle's official clients and ours against `standin serve`.

Nothing here reaches Kaggle: the official clients are told that Kaggle is on this machine, and every
proxy that could lead elsewhere leads to a port where nobody listens.
"""

import argparse
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile

from wheels import Failure, say

KAGGLE, KAGGLESDK, KAGGLEHUB = "2.2.5", "0.1.38", "1.0.2"
# What they import; their own lists of it do not resolve together.
IMPORTED = ["requests", "tqdm", "packaging", "protobuf", "python-dateutil", "python-dotenv",
            "python-slugify", "bleach", "jupytext", "certifi", "urllib3", "six", "pyyaml"]
USERNAME, KEY, TOKEN = "standin", "0123456789abcdef0123456789abcdef", "KGAT_standin"
NOWHERE = "http://127.0.0.1:9"
SLUGS = {
    "dogs-vs-cats": "dogs-vs-cats-redux-kernels-edition",
    "dog-breed": "dog-breed-identification",
    "planet": "planet-understanding-the-amazon-from-space",
}


def cache_folder():
    """As in src/fs/mod.rs."""
    named = os.environ.get("KAGGLE_KIT_CACHE")
    if named:
        return pathlib.Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "kaggle-kit"


def install():
    """A virtual environment with the official clients, made once; returns its bin folder."""
    folder = cache_folder() / ("kaggle-clients-" + KAGGLE)
    binaries = folder / ("Scripts" if os.name == "nt" else "bin")
    done = folder / "complete"
    if done.exists():
        return binaries
    say("installing kaggle %s and kagglehub %s into %s" % (KAGGLE, KAGGLEHUB, folder))
    shutil.rmtree(folder, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", str(folder)]).returncode != 0:
        raise Failure("failed to make a virtual environment in `%s`" % folder,
                      "on Debian and Ubuntu: apt install python3-venv")
    for packages in (["--no-deps", "kaggle==" + KAGGLE, "kagglesdk==" + KAGGLESDK,
                      "kagglehub==" + KAGGLEHUB], IMPORTED):
        pip = [str(binaries / "python"), "-m", "pip", "--disable-pip-version-check", "install",
               "--quiet"]
        # Kept back where all is well: it warns of a pin that nothing satisfies.
        done_by_pip = subprocess.run(pip + packages, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True)
        if done_by_pip.returncode != 0:
            print(done_by_pip.stdout, file=sys.stderr)
            raise Failure("pip failed to install the official clients (its own words are above)",
                          "they come from PyPI: check the network, or set pip's index and proxy "
                          "(PIP_INDEX_URL, HTTPS_PROXY)")
    done.write_text("")
    return binaries


def program(path):
    """A program that was named on the command line."""
    found = pathlib.Path(path).resolve()
    if not os.access(found, os.X_OK) or found.is_dir():
        raise Failure("there is no program `%s`" % path, "build it with `make build`")
    return found


def arguments(description):
    """A parser with what every script here is told: our program, and another one that serves."""
    parser = argparse.ArgumentParser(description=description.split("\n", maxsplit=1)[0])
    parser.add_argument("binary", nargs="?", default="./kaggle-kit", help="kaggle-kit")
    parser.add_argument("--standin", help="the program whose `standin serve` is asked, if another")
    return parser


def programs(given):
    """Both of them."""
    return program(given.binary), program(given.standin or given.binary)


class Standin:
    """`standin serve` on a free port, with a log; stopped at the end of a `with`."""

    def __init__(self, binary, folder, arguments=(), port=0):
        self.log_path = pathlib.Path(folder) / "requests.jsonl"
        command = [str(binary), "standin", "serve", "--port", str(port),
                   "--log", str(self.log_path)] + list(arguments)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            reason = self.process.stderr.read().strip()
            self.stop()
            raise Failure("`%s` does not serve: %s" % (" ".join(command), reason),
                          "is `%s` built from this tree?" % binary)
        # Read on, or it would wait for a reader some day.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.port = int(self.url.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.kill()
        self.process.wait()

    def requests(self):
        """The log so far."""
        text = self.log_path.read_text() if self.log_path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def downloaded(self):
        """How many bytes of files went out."""
        return sum(request["sent"] for request in self.requests()
                   if request["path"].startswith("/storage/") and request["status"] in (200, 206))

    def uploaded(self):
        """How many bytes of uploads came in."""
        return sum(request["received"] for request in self.requests()
                   if request["path"].startswith("/upload/"))

    def call(self, method, **arguments):
        """A call of the API, past all clients."""
        url = "%s/api/v1/competitions.CompetitionApiService/%s" % (self.url, method)
        request = urllib.request.Request(url, json.dumps(arguments).encode(), {
            "Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
        for _ in range(9):
            try:
                return _direct(request)
            except urllib.error.HTTPError as error:
                # A trouble that was meant for a client that never asked.
                if error.code not in (429, 500, 503):
                    raise
        return _direct(request)

    def call_of(self, service, method, **arguments):
        """A call of another service, past all clients."""
        url = "%s/api/v1/%s/%s" % (self.url, service, method)
        with _direct(urllib.request.Request(url, json.dumps(arguments).encode(), {
                "Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})) as answer:
            return json.load(answer)

    def submissions(self, slug):
        """What was submitted, the newest first."""
        with self.call("ListSubmissions", competitionName=slug, pageSize=200) as answer:
            return json.load(answer)["submissions"]

    def submitted(self, reference):
        """The bytes of a submission."""
        with self.call("DownloadSubmission", submissionId=reference) as answer:
            return answer.read()

    def bundle(self, slug):
        """The bytes of a bundle."""
        with self.call("DownloadDataFiles", competitionName=slug) as answer:
            return answer.read()


class _NoCredentials(urllib.request.HTTPRedirectHandler):
    """urllib would carry the token to storage, which refuses it."""

    def redirect_request(self, request, *others):
        new = super().redirect_request(request, *others)
        new.headers.pop("Authorization", None)
        return new


def _direct(request):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoCredentials)
    return opener.open(request, timeout=60)


class Outcome:
    """How a command ended."""

    def __init__(self, code, output, error):
        self.code, self.output, self.error = code, output, error

    @property
    def last_line(self):
        """The line that says how it ended."""
        lines = self.lines()
        return ([line for line in lines if line.startswith("error: ")] or lines[-1:] or [""])[0]

    def lines(self):
        """What was said; what a bar has drawn over is not on the screen any more."""
        text = "\n".join(part.strip() for part in (self.output, self.error))
        lines = [line.rsplit("\r", 1)[-1].strip() for line in text.splitlines()]
        return [line for line in lines if line and not line.endswith("B/s]")]


def run(command, environment, limit=None, cwd=None):
    """Runs a command to its end, or to a limit in seconds (then the code is None)."""
    process = subprocess.Popen([str(part) for part in command], env=environment, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, cwd=cwd)
    try:
        output, error = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        output, error = process.communicate()
        return Outcome(None, output, error)
    return Outcome(process.returncode, output, error)


def _environment(home):
    """This process's variables without any that a client of Kaggle or HTTP reads."""
    kept = {name: value for name, value in os.environ.items()
            if not name.upper().startswith(("KAGGLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
                                            "NO_PROXY", "XDG_"))}
    return dict(kept, HOME=str(home), USERPROFILE=str(home))


class Official:
    """The `kaggle` command of 2.x."""

    name = "kaggle " + KAGGLE

    def __init__(self, binaries, home, standin):
        self.command = binaries / "kaggle"
        proxy = "http://127.0.0.1:%d" % standin.port
        # Kaggle is at `http://localhost` then; the proxy takes it to the stand-in's port.
        self.environment = dict(
            _environment(home), KAGGLE_CONFIG_DIR=str(home), KAGGLE_API_ENVIRONMENT="LOCALHOST",
            KAGGLE_USERNAME=USERNAME, KAGGLE_KEY=KEY, http_proxy=proxy, https_proxy=NOWHERE,
            no_proxy="", NO_PROXY="")

    def run(self, *arguments, limit=None):
        return self.any("competitions", *arguments, limit=limit)

    def any(self, *arguments, limit=None):
        """A command of any kind."""
        return run([self.command] + list(arguments), self.environment, limit)


class Hub:
    """`kagglehub` 1.x, which looks for its Kaggle at port 7777."""

    name = "kagglehub " + KAGGLEHUB
    PORT = 7777

    def __init__(self, binaries, home):
        self.python = binaries / "python"
        self.environment = dict(
            _environment(home), KAGGLE_CONFIG_DIR=str(home), KAGGLE_API_ENVIRONMENT="TEST",
            KAGGLE_USERNAME=USERNAME, KAGGLE_KEY=KEY, KAGGLEHUB_CACHE=str(home / "cache"),
            http_proxy=NOWHERE, https_proxy=NOWHERE, no_proxy="localhost,127.0.0.1")

    def download(self, slug, path=None, limit=None):
        code = ("import kagglehub, sys; print(kagglehub.competition_download(sys.argv[1], "
                "path=sys.argv[2] if len(sys.argv) > 2 else None))")
        command = [self.python, "-c", code, slug] + ([path] if path else [])
        return run(command, self.environment, limit)


class Ours:
    """kaggle-kit."""

    name = "kaggle-kit"

    def __init__(self, binary, home, standin):
        self.binary = binary
        self.root = home
        self.endpoint = ["--endpoint", standin.url]
        self.environment = dict(_environment(home), KAGGLE_API_TOKEN=TOKEN)

    def command(self, *arguments):
        return [str(self.binary), "--root", str(self.root)] + list(arguments) + self.endpoint

    def run(self, *arguments, limit=None):
        return run(self.command(*arguments), self.environment, limit)

    def must_run(self, *arguments):
        """For what has to be there before a test begins."""
        outcome = self.run(*arguments)
        if outcome.code != 0:
            raise Failure("`kaggle-kit %s` failed: %s" % (" ".join(arguments), outcome.last_line),
                          "nothing went wrong on purpose yet: look into it first")


def sha256(bytes_or_path):
    if isinstance(bytes_or_path, (bytes, bytearray)):
        return hashlib.sha256(bytes_or_path).hexdigest()
    digest = hashlib.sha256()
    with open(bytes_or_path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def unpacked(bundle):
    """The files of a bundle and of the zips in it, by path, as they lie once all is unpacked."""
    files = {}
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".zip"):
                inside = unpacked(content)
                files.update(inside)
            else:
                files[name] = content
    return files


def in_folder(folder):
    """The files below a folder, by path."""
    folder = pathlib.Path(folder)
    return {path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*")) if path.is_file()}


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header)] + rows
    return "\n".join("| %s |" % " | ".join(str(cell).replace("|", "\\|") for cell in line)
                     for line in lines)


def main(work):
    """Runs a script's work; a failure is told as kaggle-kit tells one."""
    try:
        sys.exit(work())
    except Failure as failure:
        print("error: %s\nhint: %s" % (failure, failure.hint), file=sys.stderr)
        sys.exit(1)
    except urllib.error.HTTPError as error:
        print("error: the stand-in answers %s to `%s`" % (error, error.url.split("?")[0]),
              file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

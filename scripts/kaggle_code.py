"""Data sets, notebooks and their submission with Kaggle's own command and with kaggle-kit, for test_kaggle.py."""

import json

from kaggle_clients import USERNAME, cache_folder, in_folder, run

NOTEBOOK = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
    {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "id": "one",
     "source": ["print(1)\n", "print(2)"]}]}


def contents(folder):
    """The bytes of all files, by path."""
    return {path: file.read_bytes() for path, file in in_folder(folder).items()}


def difference(expected, found):
    """How files differ, or nothing."""
    if sorted(expected) != sorted(found):
        return "files are %s, not %s" % (sorted(found), sorted(expected))
    wrong = [path for path in expected if expected[path] != found[path]]
    return "%s is another one" % wrong[0] if wrong else None


def write(folder, files):
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def official(note, client, standin, slug, folder, limit):
    """Makes a data set and a version of it, fetches it, pushes a notebook and submits that."""
    name = "officials-own-set"
    reference = "%s/%s" % (USERNAME, name)
    files = {"a.txt": b"one\n", "deep/er/b.bin": bytes(range(256)), "deep/c.txt": b"three"}
    source = folder / "set"
    write(source, files)
    (source / "dataset-metadata.json").write_text(json.dumps({
        "title": "officials own set", "id": reference, "licenses": [{"name": "CC0-1.0"}]}))
    for verb, more in (("create", []), ("version", ["-m", "another"])):
        outcome = client.any("datasets", verb, "-p", source, "--dir-mode", "zip", *more, limit=limit)
        note("datasets " + verb, outcome, lambda: (
            None if "error" not in outcome.output.lower() else outcome.last_line, reference))
    outcome = client.any("datasets", "status", reference, limit=limit)
    note("datasets status", outcome, lambda: (None, outcome.output.strip()))
    target = folder / "back"
    outcome = client.any("datasets", "download", reference, "-p", target, "--unzip", limit=limit)
    note("datasets down", outcome, lambda: (difference(files, contents(target)),
                                            "%d files" % len(files)))

    kernel = "%s/officials-own-notebook" % USERNAME
    source = folder / "kernel"
    write(source, {"nb.ipynb": json.dumps(NOTEBOOK).encode()})
    (source / "kernel-metadata.json").write_text(json.dumps({
        "id": kernel, "title": "officials own notebook", "code_file": "nb.ipynb",
        "language": "python", "kernel_type": "notebook", "is_private": True, "enable_gpu": True,
        "enable_internet": False, "dataset_sources": [reference], "competition_sources": [slug]}))
    outcome = client.any("kernels", "push", "-p", source, limit=limit)
    note("kernels push", outcome, lambda: (
        None if "version 1 successfully" in outcome.output and "not valid" not in outcome.output
        else outcome.last_line, kernel))
    states = []
    for _ in range(3):
        outcome = client.any("kernels", "status", kernel, limit=limit)
        states.append(outcome.output.rsplit(".", 1)[-1].strip().strip('"'))
    note("kernels status", outcome, lambda: (
        None if states[-1] == "COMPLETE" else "it is %s" % states, ", ".join(states)))
    n_before = len(standin.submissions(slug))
    outcome = client.run("submit", slug, "-k", kernel, "-v", "1", "-f", "submission.csv", "-m",
                         "official code", limit=limit)

    def submitted():
        made = standin.submissions(slug)
        return (None if len(made) == n_before + 1 and made[0]["description"] == "official code"
                else outcome.last_line, "ref %d" % made[0]["ref"])
    note("submit -k", outcome, submitted)
    return reference, files


def ours(note, client, other, standin, name, slug, theirs, folder, limit):
    """The same with kaggle-kit, and each client fetches what the other has made."""
    reference, files = theirs
    outcome = client.run("fetch", "--data-set", reference, limit=limit)
    note("fetch --data-set", outcome, lambda: (
        difference(files, contents(client.root / "data-sets" / reference)), "the official one"))

    # Runs to submit, with the weights that set-up has brought.
    environment = dict(client.environment, KAGGLE_KIT_CACHE=str(cache_folder()))
    # Both hold out the same images.
    for setting in ("head.width=64", "head.width=32"):
        outcome = run([client.binary, "--root", client.root, "train", name, "--smoke", "--set", setting],
                      environment, 5 * limit)
        note("train --smoke", outcome, lambda: (None, "a run to submit"))
        if outcome.code != 0:
            return
    made, target = "%s/kaggle-kit-%s" % (USERNAME, name), folder / "ours-back"

    def submits(step, message, *words):
        """Submits a notebook, looks at what arrived with Kaggle's own command, and submits once more."""
        n_before = len(standin.submissions(slug))
        command = ("submit", name, *words, "--kernel", "-m", message)
        outcome = client.run(*command, "--wait", "60", limit=limit)

        def submitted():
            made = standin.submissions(slug)
            fits = len(made) == n_before + 1 and made[0]["description"] == message
            return (None if fits else "%d submissions were made" % (len(made) - n_before),
                    "ref %d" % made[0]["ref"])
        note(step, outcome, submitted)
        pack = contents(client.root / "packs" / name)
        pack.pop("dataset-metadata.json")
        back, pulled_to = target / step, folder / "pulled" / step
        outcome = other.any("datasets", "download", made, "-p", back, "--unzip", limit=limit)
        note("ours, by kaggle", outcome, lambda: (difference(pack, contents(back)),
                                                  "%d files" % len(pack)))
        outcome = other.any("kernels", "pull", made + "-submit", "-p", pulled_to, "-m", limit=limit)

        def pulled():
            (place,) = pulled_to.glob("*.ipynb")
            lines = ["".join(cell["source"]) for cell in json.loads(pack["submit.ipynb"])["cells"]]
            found = ["".join(cell["source"]) for cell in json.loads(place.read_text())["cells"]]
            return (None if lines == found else "its cells are others", "%d cells" % len(lines))
        note("our notebook", outcome, pulled)
        n_before, n_after = standin.uploaded(), len(standin.submissions(slug))
        outcome = client.run(*command, limit=limit)
        note("submit again", outcome, lambda: (
            None if standin.uploaded() == n_before and len(standin.submissions(slug)) == n_after
            else "it was made again", "nothing was sent"))
        return pack

    submits("submit --kernel", "our code")
    pack = submits("kernel, a blend", "our blend", "--best", "2")
    runs = {path.split("/")[2] for path in pack if path.startswith("runs/%s/" % name)}
    text = pack["submit.ipynb"].decode()
    named = all(r'\"%s\"' % one in text for one in runs) and r'\"--runs\"' in text
    note("the blend", outcome, lambda: (None if len(runs) == 2 and named else
                                        "the notebook does not blend %s" % sorted(runs), "2 runs"))
    # A blend's CSV is nobody's run: it is remembered beside the file.
    n_before = len(standin.submissions(slug))
    for _ in range(2):
        outcome = client.run("submit", name, "--best", "2", "--upload", "-m", "our blend", limit=limit)
        n_made = len(standin.submissions(slug)) - n_before
        note("a blend's CSV", outcome, lambda: (None if n_made == 1 else "%d were made" % n_made,
                                                "one submission"))

#!/usr/bin/env python3
"""Runs `cargo test` and adds up what it says: the last line is `N passed, N failed, N skipped`.

    python3 scripts/test.py [arguments of cargo test]

A test that finds no ../shared (see tests/it/support) ends early and counts as skipped, as do ignored
ones. Exit code 0 only if tests ran and none failed.
"""

import os
import re
import subprocess
import sys
import tempfile

RESULT = re.compile(r"^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored;")


def main(arguments):
    passed = failed = ignored = 0
    with tempfile.TemporaryDirectory(prefix="kaggle-kit-test-") as folder:
        log = os.path.join(folder, "skipped")
        process = subprocess.Popen(["cargo", "test", "--no-fail-fast"] + arguments,
                                   stdout=subprocess.PIPE,
                                   env=dict(os.environ, KAGGLE_KIT_SKIPPED=log))
        for line in process.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            result = RESULT.match(line.decode(errors="replace"))
            if result:
                passed += int(result.group(1))
                failed += int(result.group(2))
                ignored += int(result.group(3))
        code = process.wait()
        skipped = read_skipped(log)
    for name, note in sorted(skipped.items()):
        print("%s (%s)" % (note, name))
    if passed + failed == 0:
        print("error: no test ran", file=sys.stderr)
        code = code or 1
    elif code != 0 and failed == 0:
        print("error: a test program did not end as it should (see above)", file=sys.stderr)
    sys.stderr.flush()
    print("%d passed, %d failed, %d skipped"
          % (max(passed - len(skipped), 0), failed, ignored + len(skipped)))
    return code


def read_skipped(log):
    """Test name -> its first note; with `--test-threads=1` every name is `main`, so lines count."""
    notes = {}
    try:
        with open(log, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return notes
    for number, line in enumerate(lines):
        name, _, note = line.partition("\t")
        notes.setdefault(name if name != "main" else "test %d" % number, note)
    return notes


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FileNotFoundError as error:
        sys.exit("error: %s\nhint: install Rust from https://rustup.rs" % error)
    except KeyboardInterrupt:
        sys.exit(130)

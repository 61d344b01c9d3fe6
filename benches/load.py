#!/usr/bin/env python3
"""Load on the stand-in: so many clients at once for a minute, each asking one thing after the other.

    python3 benches/load.py [--program ./kaggle-kit] [--clients 200] [--seconds 60] [--processes 4]

Of ten requests six list files, three download 64 kB by a signed address and one uploads a submission's
bytes. Reports requests a second, latencies, failures, and the stand-in's memory (VmRSS) before, at its
most, and after. The clients are Python and need most of the processor: the stand-in could do more.
"""

import argparse
import asyncio
import json
import multiprocessing
import pathlib
import subprocess
import time

SLUG = "dogs-vs-cats-redux-kernels-edition"
API = "/api/v1/competitions.CompetitionApiService/"


class Client:
    """One connection, kept alive; opened again when it ends."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def ask(self, method, path, body=b"", headers=()):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if ": " in line)
        fields = {name.lower(): value for name, value in pairs}
        content = await self.reader.readexactly(int(fields.get("content-length", 0)))
        return int(head[0].split()[1]), fields, content

    async def call(self, method, arguments):
        headers = ["Authorization: Bearer KGAT_standin"]
        return await self.ask("POST", API + method, json.dumps(arguments).encode(), headers)

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.writer = None


def path_of(address):
    return "/" + address.split("://", 1)[1].split("/", 1)[1]


async def client_at_work(port, until, waits):
    client, n, failures, signed = Client(port), 0, 0, None
    while time.monotonic() < until:
        start = time.monotonic()
        try:
            if n % 10 < 6:
                status, _, _ = await client.call("ListDataFiles", {"competitionName": SLUG})
                fine = status == 200
            elif n % 10 < 9:
                if signed is None:
                    _, fields, _ = await client.call("DownloadDataFiles", {"competitionName": SLUG})
                    signed = path_of(fields["location"])
                status, _, content = await client.ask("GET", signed, headers=["Range: bytes=0-65535"])
                fine = status == 206 and len(content) > 1000
            else:
                arguments = {"competitionName": SLUG, "fileName": "s.csv", "contentLength": 4096}
                _, _, content = await client.call("StartSubmissionUpload", arguments)
                place = path_of(json.loads(content)["createUrl"])
                status, _, _ = await client.ask("PUT", place, b"a" * 4096)
                fine = status in (200, 404)  # 404: 256 others have begun since
        except (OSError, asyncio.IncompleteReadError):
            client.close()
            fine = False
        failures += not fine
        n += 1
        waits.append(time.monotonic() - start)
    client.close()
    return n, failures


def process(port, clients, seconds, results):
    async def work():
        waits, until = [], time.monotonic() + seconds
        counts = await asyncio.gather(*(client_at_work(port, until, waits) for _ in range(clients)))
        results.put((sum(n for n, _ in counts), sum(bad for _, bad in counts), sorted(waits)))

    asyncio.run(work())


def memory(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="./kaggle-kit")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=4)
    args = parser.parse_args()
    command = [args.program, "standin", "serve", "--port", "0", "--competition", "dogs-vs-cats", "--until-stdin-ends"]
    standin = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(standin.stdout.readline().strip().rsplit(":", 1)[1])
        before = most = memory(standin.pid)
        results, workers = multiprocessing.Queue(), []
        for n in range(args.processes):
            share = args.clients // args.processes + (n < args.clients % args.processes)
            workers.append(multiprocessing.Process(target=process, args=(port, share, args.seconds, results)))
        for worker in workers:
            worker.start()
        ends = time.monotonic() + args.seconds
        while time.monotonic() < ends:
            time.sleep(0.5)
            most = max(most, memory(standin.pid))
        found = [results.get(timeout=120) for _ in workers]
        for worker in workers:
            worker.join()
        after = memory(standin.pid)
    finally:
        standin.stdin.close()
        standin.wait()
    n, failures = sum(one[0] for one in found), sum(one[1] for one in found)
    waits = sorted(wait for one in found for wait in one[2])
    at = lambda share: 1000 * waits[min(len(waits) - 1, int(share * len(waits)))]
    print(f"{args.clients} clients, {args.seconds:.0f} s: {n / args.seconds:.0f} requests a second, {failures} failed")
    print(f"a request took {at(0.5):.0f} ms (median), {at(0.99):.0f} ms (99 %), {at(1):.0f} ms (the longest)")
    print(f"memory of the stand-in: {before:.0f} MB before, {most:.0f} MB at most, {after:.0f} MB after")
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()

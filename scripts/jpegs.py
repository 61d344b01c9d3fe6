#!/usr/bin/env python3
"""Makes tests/data/jpegs.tar.gz: a JPEG of every kind, and what PIL makes of each.

    apt-get install libjpeg-turbo-progs libturbojpeg0; pip install pillow
    python3 scripts/jpegs.py

Kinds are sampling x scans x progressive x restarts x colours x arithmetic coding, and some that nobody
reads. `expected.csv` in the archive has for each file PIL's width, height and the SHA-256 of its RGB
pixels, or `refused`. The same versions make the same bytes (made with libjpeg-turbo 2.1.5, Pillow 13).
"""
import ctypes
import ctypes.util
import gzip
import hashlib
import io
import math
import pathlib
import subprocess
import tarfile
import tempfile

from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/jpegs.tar.gz"
WIDTH, HEIGHT = 43, 29

# What each component is sampled by, as cjpeg has it.
COMMON = {"444": "1x1", "422": "2x1", "440": "1x2", "420": "2x2"}
ODD = {
    "411": "4x1",
    "141": "1x4",
    "410": "4x2",
    "311": "3x1",
    "131": "1x3",
    "321": "3x2",
    "coarse-y": "1x1,2x2,2x2",
    "one-fine": "1x1,2x1,1x1",
    "mixed": "2x2,2x1,1x2",
    "halves": "2x2,1x2,1x2",
    "all-2x1": "2x1,2x1,2x1",
}


def separate_dc(n):
    """A progressive script with a scan of its own for each component's mean, which is refined."""
    lines = [f"{i}: 0-0, 0, 1;" for i in range(n)]
    lines += [f"{i}: 1-63, 0, 1;" for i in range(n)]
    lines += [f"{i}: 0-0, 1, 0;" for i in range(n)] + [f"{i}: 1-63, 1, 0;" for i in range(n)]
    return "\n".join(lines)


def variants(n):
    """Of a file of n components: a name, and what jpegtran is told."""
    separate = "\n".join(f"{i};" for i in range(n))
    found = {"plain": [], "progressive": ["-progressive"], "arithmetic": ["-arithmetic"]}
    found["arithmetic-progressive"] = ["-arithmetic", "-progressive"]
    if n > 1:
        found["separate"] = ["-scans", separate]
        found["rest-together"] = ["-scans", "0;\n" + ",".join(map(str, range(1, n))) + ";"]
        found["separate-means"] = ["-progressive", "-scans", separate_dc(n)]
        found["arithmetic-separate"] = ["-arithmetic", "-scans", separate]
    return found


def picture(mode="RGB"):
    image = Image.new("RGB", (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            wave = 40 * math.sin(x / 3) * math.cos(y / 4)
            image.putpixel((x, y), tuple(int(min(255, max(0, v))) for v in (
                40 + 200 * x / WIDTH + wave, 220 - 180 * y / HEIGHT, 90 + 120 * (x * y % 17) / 17 - wave)))
    return image.convert(mode)


def run(arguments, data=b""):
    done = subprocess.run(arguments, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # 2 is a warning: of an odd colour transform, here.
    assert done.returncode in (0, 2), (arguments, done.stderr)
    return done.stdout


def cjpeg(*arguments, mode="RGB"):
    ppm = io.BytesIO()
    picture(mode).save(ppm, "PPM")
    return run(["cjpeg", "-quality", "80", *arguments], ppm.getvalue())


def jpegtran(data, arguments, restart=None):
    arguments = list(arguments)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as script:
        if "-scans" in arguments:
            at = arguments.index("-scans") + 1
            script.write(arguments[at] + "\n")
            script.flush()
            arguments[at] = script.name
        restarts = ["-restart", restart] if restart else []
        return run(["jpegtran", "-copy", "all", *restarts, *arguments], data)


def turbo_ycck(subsampling):
    """Inks as brightness and colours, which only TurboJPEG writes."""
    turbo = ctypes.CDLL(ctypes.util.find_library("turbojpeg") or "libturbojpeg.so.0")
    turbo.tjInitCompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(turbo.tjInitCompress())
    inks = bytes(255 - v for v in picture("CMYK").tobytes())
    out, size = ctypes.c_void_p(), ctypes.c_ulong()
    failed = turbo.tjCompress2(handle, inks, WIDTH, 0, HEIGHT, 11, ctypes.byref(out), ctypes.byref(size),
                               subsampling, 80, 0)
    assert not failed
    return ctypes.string_at(out.value, size.value)


def segments(data):
    """The header's segments, each (marker, where it starts, where it ends)."""
    at = 2
    while True:
        assert data[at] == 0xFF
        end = at + 2 + int.from_bytes(data[at + 2:at + 4], "big")
        yield data[at + 1], at, end
        if data[at + 1] == 0xDA:
            return
        at = end


def without(data, *markers):
    cut = data
    for marker, start, end in reversed(list(segments(data))):
        if marker in markers:
            cut = cut[:start] + cut[end:]
    return cut


def with_adobe(data, transform):
    return data[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform]) + data[2:]


def renamed(data, names):
    """The components under other names, in the frame and in the first scan, which has all of them."""
    data = bytearray(data)
    for marker, start, _ in segments(bytes(data)):
        if marker in (0xC0, 0xC1, 0xC2):
            old = [data[start + 10 + 3 * i] for i in range(len(names))]
            for i, name in enumerate(names):
                data[start + 10 + 3 * i] = name
        if marker == 0xDA:
            for i in range(data[start + 4]):
                data[start + 5 + 2 * i] = names[old.index(data[start + 5 + 2 * i])]
    return bytes(data)


def frame_byte(data, place, value):
    data = bytearray(data)
    start = next(start for marker, start, _ in segments(bytes(data)) if marker in (0xC0, 0xC1, 0xC2))
    data[start + place] = value
    return bytes(data)


def with_orientation(data, orientation):
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + b"\0\0\0\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


def files():
    for name, sampling in COMMON.items():
        base = cjpeg("-sample", sampling)
        for kind, arguments in variants(3).items():
            yield f"{name}-{kind}", jpegtran(base, arguments)
            yield f"{name}-{kind}-restarts", jpegtran(base, arguments, "3B")
        yield f"{name}-restart-rows", jpegtran(base, [], "1")
    for name, sampling in ODD.items():
        base = cjpeg("-sample", sampling)
        for kind, arguments in variants(3).items():
            if kind not in ("arithmetic-progressive", "rest-together") or name in ("311", "coarse-y"):
                yield f"{name}-{kind}", jpegtran(base, arguments)
        yield f"{name}-restarts", jpegtran(base, [], "2B")
    # A ratio that is no whole number: libjpeg does not read it, nor does it write one.
    yield "fraction", frame_byte(cjpeg("-sample", "3x1"), 14, 0x21)
    gray = cjpeg("-grayscale", mode="L")
    for name, base in {"gray": gray, "gray-2x2": cjpeg("-grayscale", "-sample", "2x2", mode="L"),
                       "gray-2x1": cjpeg("-grayscale", "-sample", "2x1", mode="L")}.items():
        for kind, arguments in variants(1).items():
            yield f"{name}-{kind}", jpegtran(base, arguments)
            yield f"{name}-{kind}-restarts", jpegtran(base, arguments, "2B")
    yield from colours()
    yield from odd_headers()


def colours():
    three = {
        "rgb": cjpeg("-rgb", "-sample", "1x1"),
        "rgb-420": cjpeg("-rgb", "-sample", "2x2"),
        "rgb-by-name": renamed(without(cjpeg("-rgb", "-sample", "1x1"), 0xEE), b"RGB"),
        "ycc-no-marker": without(cjpeg("-sample", "2x2"), 0xE0),
        "ycc-adobe": with_adobe(without(cjpeg("-sample", "2x2"), 0xE0), 1),
        "ycc-jfif-adobe": with_adobe(cjpeg("-sample", "2x2"), 1),
        "ycc-from-0": renamed(cjpeg("-sample", "2x2"), bytes([0, 1, 2])),
        "ycc-named-rgb": renamed(cjpeg("-sample", "1x1"), b"RGB"),
        "jfif-adobe-0": with_adobe(cjpeg("-sample", "1x1"), 0),
        "adobe-2-of-three": with_adobe(without(cjpeg("-sample", "1x1"), 0xE0), 2),
    }
    cmyk = io.BytesIO()
    picture("CMYK").save(cmyk, "JPEG", quality=80, subsampling=0)
    cmyk = cmyk.getvalue()
    four = {
        "cmyk": cmyk,
        "cmyk-no-marker": without(cmyk, 0xEE),
        "cmyk-jfif": jpegtran(cmyk, [])[:2] + cjpeg()[2:20] + without(cmyk, 0xE0)[2:],
        "ycck-444": turbo_ycck(0),
        "ycck-422": turbo_ycck(1),
        "ycck-420": turbo_ycck(2),
    }
    for n, bases in ((3, three), (4, four)):
        for name, base in bases.items():
            yield name, base
            for kind, arguments in variants(n).items():
                if kind in ("progressive", "separate", "arithmetic", "separate-means"):
                    yield f"{name}-{kind}", jpegtran(base, arguments)


def odd_headers():
    base = cjpeg("-sample", "2x2")
    separate = jpegtran(base, variants(3)["separate"])
    for orientation in (3, 6, 8):
        yield f"turned-{orientation}", with_orientation(base, orientation)
        yield f"turned-{orientation}-separate", with_orientation(separate, orientation)
    yield "optimized", jpegtran(base, ["-optimize"])
    yield "extended", frame_byte(base, 1, 0xC1)
    yield "fill-bytes", base[:20] + b"\xff\xff\xff" + base[20:]
    yield "quality-100", cjpeg("-quality", "100", "-sample", "2x2")
    yield "quality-1", cjpeg("-quality", "1", "-sample", "2x2")
    for marker, name in ((0xC3, "lossless"), (0xC5, "hierarchical"), (0xCB, "arithmetic-lossless")):
        yield name, frame_byte(base, 1, marker)
    yield "twelve-bits", frame_byte(frame_byte(base, 1, 0xC1), 4, 12)
    yield "no-height", frame_byte(frame_byte(base, 5, 0), 6, 0)
    yield "scan-missing", separate[:separate.rindex(b"\xff\xda")] + b"\xff\xd9"


def expected(data):
    try:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        return f"refused,,{type(error).__name__}"
    return f"{image.width},{image.height},{hashlib.sha256(image.tobytes()).hexdigest()}"


def main():
    rows, packed = ["file,width,height,sha256"], io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, data in files():
            add(f"{name}.jpg", data)
            rows.append(f"{name}.jpg,{expected(data)}")
        add("expected.csv", ("\n".join(rows) + "\n").encode())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(gzip.compress(packed.getvalue(), 9, mtime=0))
    refused = [row.split(",")[0] for row in rows if ",refused," in row]
    print(f"{len(rows) - 1} files, {OUT.stat().st_size} bytes; PIL refuses {', '.join(refused)}")


if __name__ == "__main__":
    main()

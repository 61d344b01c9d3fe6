"""Reads what `torch.save` wrote before PyTorch 1.6, and writes safetensors; no PyTorch needed.

A legacy file is five pickles in a row (magic number, protocol 1001, byte order, the object with its
storages left as references, the list of storage keys) and then the storages: a 64-bit count and the
numbers. Pickle can run any code, so only the four names that a file of tensors needs are accepted.
The layout is that of `_legacy_save` in torch/serialization.py, safetensors' is in its README.
"""

import array
import collections
import itertools
import json
import math
import pickle
import struct

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
ITEM_BYTES = {"FloatStorage": 4, "LongStorage": 8}

Tensor = collections.namedtuple("Tensor", "storage offset shape stride")
Storage = collections.namedtuple("Storage", "kind key")


class BadFile(Exception):
    """The file is not a legacy `torch.save` of plain CPU tensors."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, stride, *_: Tensor(storage, offset, shape, stride)
        if module == "torch" and name in ITEM_BYTES:
            return name
        raise BadFile("it names `%s.%s`, which a file of tensors has no use for" % (module, name))

    def persistent_load(self, reference):
        try:
            tag, kind, key, _location, _count, view = reference
        except (TypeError, ValueError):
            raise BadFile("a storage is described in an unknown way") from None
        if tag != "storage" or kind not in ITEM_BYTES or view is not None:
            raise BadFile("a storage is described in an unknown way")
        return Storage(kind, key)


def _next_pickle(stream):
    try:
        return _Unpickler(stream).load()
    except BadFile:
        raise
    except Exception as error:  # a broken pickle raises nearly anything
        raise BadFile("broken pickle: %s" % error) from error


def read(stream):
    """The tensors of a saved state dict, in its order: [(name, kind, shape, little-endian bytes)]."""
    if _next_pickle(stream) != MAGIC or _next_pickle(stream) != PROTOCOL:
        raise BadFile("it does not start with the magic number and protocol of `torch.save`")
    if not _next_pickle(stream).get("little_endian"):
        raise BadFile("it was written on a big-endian machine")
    state = _next_pickle(stream)
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise BadFile("it holds something else than tensors by name")
    kinds = {t.storage.key: t.storage.kind for t in state.values()}
    storages = {}
    for key in _next_pickle(stream):
        if key not in kinds:
            raise BadFile("storage `%s` belongs to no tensor" % key)
        head = stream.read(8)
        count = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        size = count * ITEM_BYTES[kinds[key]]
        storages[key] = stream.read(size)
        if len(head) != 8 or len(storages[key]) != size:
            raise BadFile("it ends in the middle of a tensor")
    return [(name, t.storage.kind, tuple(t.shape), _data(name, t, storages))
            for name, t in state.items()]


def _data(name, tensor, storages):
    """The tensor's numbers in row-major order; converted TensorFlow weights are stored permuted."""
    shape, stride = tuple(tensor.shape), tuple(tensor.stride)
    item = ITEM_BYTES[tensor.storage.kind]
    numbers = array.array("I" if item == 4 else "Q", storages.get(tensor.storage.key, b""))
    if len(shape) != len(stride) or min((tensor.offset, *shape)) < 0 \
            or min(stride, default=1) < 1:
        raise BadFile("tensor `%s` is described in an unknown way" % name)
    if 0 in shape:
        return b""
    last = tensor.offset + sum((n - 1) * step for n, step in zip(shape, stride))
    if last >= len(numbers):
        raise BadFile("tensor `%s` reaches over the end of its storage" % name)
    rows = [math.prod(shape[axis + 1:]) for axis in range(len(shape))]
    if stride == tuple(rows):
        return numbers[tensor.offset:tensor.offset + math.prod(shape)].tobytes()
    result = array.array(numbers.typecode, bytes(item * math.prod(shape)))
    # One slice along the longest axis at a time, so that Python's loop is a short one.
    axis = shape.index(max(shape))
    others = [range(n) for n in shape[:axis] + (1,) + shape[axis + 1:]]
    for index in itertools.product(*others):
        source = tensor.offset + sum(i * step for i, step in zip(index, stride))
        target = sum(i * step for i, step in zip(index, rows))
        until = source + (shape[axis] - 1) * stride[axis] + 1
        line = numbers[source:until:stride[axis]]
        result[target:target + len(line) * rows[axis]:rows[axis]] = line
    return result.tobytes()


def rename(tensors, names_and_shapes):
    """Gives float tensors, in order, the names of `names_and_shapes`; every shape must fit.

    Counters (`num_batches_tracked`, the only integers) are left out: inference has no use for them.
    """
    floats = [t for t in tensors if t[1] == "FloatStorage"]
    if len(floats) != len(names_and_shapes):
        raise BadFile("it has %d tensors, expected %d" % (len(floats), len(names_and_shapes)))
    renamed = []
    for (old, _kind, shape, data), (name, expected) in zip(floats, names_and_shapes):
        if shape != tuple(expected):
            raise BadFile("`%s` is %s, but `%s` is %s" % (old, list(shape), name, list(expected)))
        renamed.append((name, shape, data))
    return renamed


def to_safetensors(tensors):
    """The bytes of a safetensors file with float tensors [(name, shape, bytes)], sorted by name."""
    header = {"__metadata__": {"format": "pt"}}
    end = 0
    tensors = sorted(tensors)
    for name, shape, data in tensors:
        if len(data) != 4 * math.prod(shape):
            raise ValueError("`%s` has %d bytes for shape %s" % (name, len(data), shape))
        header[name] = {"dtype": "F32", "shape": list(shape),
                        "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text] + [data for _, _, data in tensors])


def efficientnet_lite0():
    """timm's names and shapes of `tf_efficientnet_lite0`, in the order of the network."""
    entries = []

    def batch_norm(name, width):
        for part in ("weight", "bias", "running_mean", "running_var"):
            entries.append((name + "." + part, (width,)))

    def convolution(name, norm, width, inputs, kernel):
        entries.append((name + ".weight", (width, inputs, kernel, kernel)))
        batch_norm(norm, width)

    convolution("conv_stem", "bn1", 32, 3, 3)
    inputs = 32
    # Table 1 of https://arxiv.org/abs/1905.11946: repeats, width, kernel of each stage.
    stages = [(1, 16, 3), (2, 24, 3), (2, 40, 5), (3, 80, 3), (3, 112, 5), (4, 192, 5), (1, 320, 3)]
    for i, (repeats, width, kernel) in enumerate(stages):
        for j in range(repeats):
            block = "blocks.%d.%d." % (i, j)
            if i == 0:  # the first stage does not widen
                convolution(block + "conv_dw", block + "bn1", inputs, 1, kernel)
                convolution(block + "conv_pw", block + "bn2", width, inputs, 1)
            else:
                wide = 6 * inputs
                convolution(block + "conv_pw", block + "bn1", wide, inputs, 1)
                convolution(block + "conv_dw", block + "bn2", wide, 1, kernel)
                convolution(block + "conv_pwl", block + "bn3", width, wide, 1)
            inputs = width
    convolution("conv_head", "bn2", 1280, inputs, 1)
    return entries + [("classifier.weight", (1000, 1280)), ("classifier.bias", (1000,))]

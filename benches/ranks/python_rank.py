"""A rank in PyTorch beside ranks of `cargo run --example ranks`: says and expects the same.

    MASTER_ADDR=127.0.0.1 MASTER_PORT=29599 WORLD_SIZE=2 RANK=1 python benches/ranks/python_rank.py
"""

import datetime

import torch
import torch.distributed as ranks

SIZES, ROUNDS = (4, 4_652_008, 25_557_032), 10

ranks.init_process_group("gloo", timeout=datetime.timedelta(seconds=60))
rank, world = ranks.get_rank(), ranks.get_world_size()
numbers = torch.tensor([1.0, rank], dtype=torch.double)
ranks.all_reduce(numbers)
assert numbers.tolist() == [world, sum(range(world))], numbers
n = 2 * world + 1
lengths = [n * (r + 1) // world - n * r // world for r in range(world)]
own = torch.zeros(max(lengths), 1)
start = sum(lengths[:rank])
own[:lengths[rank], 0] = torch.arange(start, start + lengths[rank])
rows = torch.empty(world * max(lengths), 1)
ranks.all_gather_into_tensor(rows, own)
parts = [rows[r * max(lengths):][:length, 0].tolist() for r, length in enumerate(lengths)]
assert sum(parts, []) == list(range(n)), parts
said = b"what rank 0 decides"
length = torch.tensor([float(len(said)) if rank == 0 else 0.0], dtype=torch.double)
ranks.all_reduce(length)
heard = torch.tensor(list(said), dtype=torch.uint8) if rank == 0 \
    else torch.zeros(int(length), dtype=torch.uint8)
ranks.broadcast(heard, 0)
assert bytes(heard.tolist()) == said, heard
print("rank %d of %d, in Python: sums, rows in order, bytes of rank 0" % (rank, world), flush=True)
for size in SIZES:
    for _ in range(ROUNDS):
        ones, meet = torch.ones(size), torch.zeros(1, dtype=torch.double)
        ranks.all_reduce(meet)
        ranks.all_reduce(ones)
        assert bool((ones == world).all())
ranks.destroy_process_group()

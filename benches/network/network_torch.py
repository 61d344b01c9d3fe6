"""Images per second of PyTorch and timm: prediction, training a new head, training everything.

python network_torch.py      needs torch and timm; answers each line of stdin with a line of three numbers

    ARCH SIZE BATCH N,N,N PRECISION DEVICE BENCHMARK FOLDER

N are batches of each work, 0 for none; PRECISION is f32, tf32, bf16 or f16; DEVICE cpu or auto; BENCHMARK 0
or 1 lets cuDNN choose by timing. With a FOLDER of JPEGs, not -, it is fed from them, by a DataLoader with as
many workers as there are cores (torchvision), whose second epoch counts. The usual ways to make it fast are
taken: channels-last, inference mode, no gradients through a frozen backbone, autocast for bf16 and f16, fused
AdamW, no wait for a GPU but at the end. Norms of the backbone keep their statistics, as ours do.
"""
import contextlib, functools, glob, itertools, os, sys, time
import torch, timm

HALF = {'bf16': torch.bfloat16, 'f16': torch.float16}


@functools.lru_cache(maxsize=3)
def network(arch, size, device):
    def build(**kw): return timm.create_model(arch, pretrained=False, num_classes=0, **kw)
    try: body = build(img_size=size)
    except TypeError: body = build()
    body = body.eval().to(device, memory_format=torch.channels_last)
    with torch.no_grad(): width = body(torch.rand(2, 3, size, size, device=device)).shape[1]
    nn = torch.nn
    head = nn.Sequential(nn.BatchNorm1d(width), nn.Dropout(.25), nn.Linear(width, 512), nn.ReLU(),
                         nn.BatchNorm1d(512), nn.Dropout(.5), nn.Linear(512, 10)).to(device)
    return body, head


class Files(torch.utils.data.Dataset):
    def __init__(self, folder, n, size, train):
        from torchvision import transforms as t
        found = sorted(glob.glob(os.path.join(folder, '*.jpg')))
        self.files = list(itertools.islice(itertools.cycle(found), n))
        shot = [t.RandomResizedCrop(size, (.35, 1)), t.RandomHorizontalFlip()] if train else \
            [t.Resize(int(size / .875)), t.CenterCrop(size)]
        self.view = t.Compose(shot + [t.PILToTensor()])
    def __len__(self): return len(self.files)
    def __getitem__(self, i):
        from PIL import Image
        return self.view(Image.open(self.files[i]).convert('RGB'))


def measure(what, arch, size, batch, n, precision, device, folder):
    body, head = network(arch, size, device)
    half = HALF.get(precision)
    cast = (lambda: torch.autocast(device, dtype=half)) if half else contextlib.nullcontext
    scaler = torch.amp.GradScaler(device, enabled=precision == 'f16')
    y = torch.arange(batch, device=device) % 10
    frozen = what == 1

    def predict(x):
        head.eval()
        with torch.inference_mode(), cast(): return head(body(x)).softmax(1)

    parameters = list(head.parameters()) + ([] if frozen else list(body.parameters()))
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, fused=True)

    def train(x):
        head.train()
        with cast():
            with torch.set_grad_enabled(not frozen): features = body(x)
            loss = torch.nn.functional.cross_entropy(head(features), y)
        optimizer.zero_grad(set_to_none=True); scaler.scale(loss).backward()
        scaler.step(optimizer); scaler.update()
        return loss

    work = train if what else predict
    wait = torch.cuda.synchronize if device == 'cuda' else lambda: None
    still = torch.rand(batch, 3, size, size, device=device).to(memory_format=torch.channels_last)
    for _ in range(2): work(still)
    if folder == '-':
        epochs = [[still] * n]
    else:
        loader = torch.utils.data.DataLoader(
            Files(folder, n * batch, size, what > 0), batch, num_workers=os.cpu_count(),
            pin_memory=device == 'cuda', persistent_workers=True)
        def there(x):
            x = x.to(device, non_blocking=True).to(memory_format=torch.channels_last)
            return (x.float() - 127.5) / 127.5
        # The first starts the workers.
        epochs = (map(there, loader) for _ in range(2))
    for epoch in epochs:
        wait(); start = time.perf_counter()
        for x in epoch: last = work(x)
        last.cpu(); wait(); seconds = time.perf_counter() - start
    for parameter in parameters: parameter.grad = None
    return batch * n / seconds


def answer(arch, size, batch, counts, precision, device, benchmark, folder):
    if device == 'auto': device = 'cuda' if torch.cuda.is_available() else 'cpu'
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != 'f32'
    torch.backends.cudnn.benchmark = benchmark == '1'
    rates = [measure(what, arch, int(size), int(batch), int(n), precision, device, folder) if int(n) else 0
             for what, n in enumerate(counts.split(','))]
    # The other side has the GPU next.
    if device == 'cuda': torch.cuda.empty_cache()
    return rates


for line in sys.stdin:
    try: print(*answer(*line.rstrip('\n').split(' ', 7)), flush=True)
    except Exception as error: print('error:', ' '.join(str(error).split())[:300], flush=True)

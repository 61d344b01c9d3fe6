"""Images per second of PyTorch and timm: prediction, training a new head, training everything.

python network_torch.py ARCH SIZE BATCH BATCHES [PRECISION [DEVICE [FOLDER]]]      needs torch, timm

The usual ways to make it fast are taken: channels-last, inference mode, no gradients through a frozen
backbone, autocast for bf16 and f16, fused AdamW, no wait for a GPU but at the end. Norms of the backbone
keep their statistics, as ours do. PRECISION is f32, tf32, bf16 or f16. With a FOLDER of JPEGs it is fed
from them, by a DataLoader with as many workers as there are cores (torchvision).
"""
import contextlib, glob, os, sys, time, torch, timm
arch, size, batch, batches = sys.argv[1], *map(int, sys.argv[2:5])
precision, device, folder = (sys.argv[5:] + ['f32', 'auto', ''][len(sys.argv[5:]):])[:3]
if device == 'auto': device = 'cuda' if torch.cuda.is_available() else 'cpu'
torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != 'f32'
half = {'bf16': torch.bfloat16, 'f16': torch.float16}.get(precision)
cast = (lambda: torch.autocast(device, dtype=half)) if half else contextlib.nullcontext
scaler = torch.amp.GradScaler(device, enabled=precision == 'f16')
def build(**kw): return timm.create_model(arch, pretrained=False, num_classes=0, **kw)
try: body = build(img_size=size)
except TypeError: body = build()
body = body.eval().to(device, memory_format=torch.channels_last)
still = torch.rand(batch, 3, size, size, device=device).to(memory_format=torch.channels_last)
y = torch.arange(batch, device=device) % 10
with torch.no_grad(): width = body(still[:2]).shape[1]
head = torch.nn.Sequential(torch.nn.BatchNorm1d(width), torch.nn.Dropout(.25), torch.nn.Linear(width, 512), torch.nn.ReLU(),
                           torch.nn.BatchNorm1d(512), torch.nn.Dropout(.5), torch.nn.Linear(512, 10)).to(device)
wait = torch.cuda.synchronize if device == 'cuda' else lambda: None


class Files(torch.utils.data.Dataset):
    def __init__(self, train):
        from torchvision import transforms as t
        found = sorted(glob.glob(os.path.join(folder, '*.jpg')))
        self.files = [found[i % len(found)] for i in range(batch * batches)]
        shot = [t.RandomResizedCrop(size, (.35, 1)), t.RandomHorizontalFlip()] if train else [t.Resize(int(size / .875)), t.CenterCrop(size)]
        self.view = t.Compose(shot + [t.PILToTensor()])
    def __len__(self): return len(self.files)
    def __getitem__(self, i):
        from PIL import Image
        return self.view(Image.open(self.files[i]).convert('RGB'))


def inputs(train):
    if not folder: return (still for _ in range(batches))
    loader = torch.utils.data.DataLoader(Files(train), batch, num_workers=os.cpu_count(), pin_memory=device == 'cuda')
    def there(x):
        x = x.to(device, non_blocking=True).to(memory_format=torch.channels_last)
        return (x.float() - 127.5) / 127.5
    return map(there, loader)

def predict(x):
    head.eval()
    with torch.inference_mode(), cast(): return head(body(x)).softmax(1)

def training(frozen):
    parameters = list(head.parameters()) + ([] if frozen else list(body.parameters()))
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, fused=True)
    def step(x):
        head.train()
        with cast():
            with torch.set_grad_enabled(not frozen): features = body(x)
            loss = torch.nn.functional.cross_entropy(head(features), y)
        optimizer.zero_grad(set_to_none=True); scaler.scale(loss).backward()
        scaler.step(optimizer); scaler.update()
        return loss
    return step

for train, work in ((False, predict), (True, training(True)), (True, training(False))):
    work(still); wait(); start = time.perf_counter()
    for x in inputs(train): last = work(x)
    last.cpu(); wait(); print(batch * batches / (time.perf_counter() - start))

"""Images per second of PyTorch and timm: prediction, training a new head, training everything.

python network_torch.py ARCH SIZE BATCH BATCHES       needs torch, timm
The usual ways to make it fast on a CPU are taken: channels-last, inference mode, and no gradients
through a frozen backbone. Norms of the backbone keep their statistics, as ours do.
"""
import sys, time, torch, timm
arch, size, batch, batches = sys.argv[1], *map(int, sys.argv[2:5])
torch.manual_seed(0)
device = 'cuda' if torch.cuda.is_available() else 'cpu'
kw = {'img_size': size} if arch.startswith('vit') else {}
body = timm.create_model(arch, pretrained=False, num_classes=0, **kw).eval().to(device, memory_format=torch.channels_last)
x = torch.rand(batch, 3, size, size, device=device).to(memory_format=torch.channels_last)
y = torch.arange(batch, device=device) % 10
with torch.no_grad(): width = body(x[:2]).shape[1]
head = torch.nn.Sequential(torch.nn.BatchNorm1d(width), torch.nn.Dropout(.25), torch.nn.Linear(width, 512), torch.nn.ReLU(),
                           torch.nn.BatchNorm1d(512), torch.nn.Dropout(.5), torch.nn.Linear(512, 10)).to(device)
wait = torch.cuda.synchronize if device == 'cuda' else lambda: None

def predict():
    head.eval()
    with torch.inference_mode(): return head(body(x)).softmax(1).cpu()

def training(frozen):
    parameters = list(head.parameters()) + ([] if frozen else list(body.parameters()))
    optimizer = torch.optim.AdamW(parameters, lr=1e-5)
    def step():
        head.train()
        with torch.set_grad_enabled(not frozen): features = body(x)
        loss = torch.nn.functional.cross_entropy(head(features), y)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        return loss.item()
    return step

for work in (predict, training(True), training(False)):
    work(); wait(); start = time.perf_counter()
    for _ in range(batches): work()
    wait(); print(batch * batches / (time.perf_counter() - start))

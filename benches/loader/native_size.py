"""Copies of photographs at the size that competitions have them in: as many JPEGs, upscaled so that
the shorter side is 375 pixels, as most of Kaggle's cats, dogs and breeds are.

python native_size.py FROM TO [LIMIT]       needs pillow
At this quality they have about as many bytes as real ones, 25 kB on average: a decoder's time goes
with the bytes.
"""
import os, sys
from PIL import Image
source, target, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 800
os.makedirs(target, exist_ok=True)
names = sorted(name for name in os.listdir(source) if name.endswith('.jpg'))[:limit]
for name in names:
    picture = Image.open(os.path.join(source, name)).convert('RGB')
    scale = 375 / min(picture.size)
    picture = picture.resize([round(side * scale) for side in picture.size], Image.Resampling.BICUBIC)
    picture.save(os.path.join(target, name), quality=80)
sizes = [os.path.getsize(os.path.join(target, name)) for name in names]
print(len(names), 'files of', sum(sizes) // len(sizes) // 1024, 'KiB on average')

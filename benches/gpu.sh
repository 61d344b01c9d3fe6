#!/bin/sh
# What this machine's GPU makes of it: images a second for each backbone and number format, the most
# memory in use, and whether GPU and CPU say the same about the same pictures.
#
#   make setup DEVICE=cuda && make build && sh benches/gpu.sh [BACKBONE...]
#
# Written and tried without a GPU: on such a machine it measures the CPU and says so.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- tf_efficientnet_lite0 resnet50 convnext_tiny vit_small_patch14_dinov2

cargo build --example network
network=target/debug/examples/network
if command -v nvidia-smi > /dev/null && nvidia-smi -L > /dev/null 2>&1; then
    device=cuda
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
else
    device=cpu
    echo "not run on a GPU: nvidia-smi shows none; measuring the CPU"
fi
./kaggle-kit doctor || true

for precision in f32 bf16 f16; do
    # CPUs compute in half precision so slowly that one is enough to see that it works.
    [ "$device" = cuda ] || [ "$precision" != f16 ] || continue
    echo; echo "## $precision"
    if [ "$device" = cuda ]; then
        memory=$(mktemp)
        nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 200 > "$memory" &
        watcher=$!
        "$network" "$@" --device "$device" --precision "$precision" --batches 20 --rounds 5
        kill "$watcher"
        echo "most memory in use: $(sort -n "$memory" | tail -1) MiB"
        rm -f "$memory"
    else
        "$network" "$@" --device cpu --precision "$precision" --batches 2 --rounds 3
    fi
done

echo; echo "## the same answers on both"
"$network" "$@" --device "$device" --against-cpu

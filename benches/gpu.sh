#!/bin/sh
# What this machine's GPU makes of it, as tables: whether it computes what the CPU does, operations a step,
# images a second for each backbone, precision and batch beside timm's, and from files to the end.
#
#   make setup DEVICE=cuda && make build && sh benches/gpu.sh --images FOLDER --python PYTHON
#
#   --cpu             try it on the CPU, in tiny sizes
#   --images FOLDER   JPEGs; without it what needs real pictures is left out or made of noise
#   --python PYTHON   one with torch, timm and torchvision; without it there is nothing beside ours
#   --quick           about five minutes on a GPU
#   BACKBONE...       in timm's names
#
# A part that fails is told, and the others are done all the same; the exit code says whether one did.
set -u
cd "$(dirname "$0")/.."

device=cuda; images=; python=; quick=; backbones=
while [ $# -gt 0 ]; do
    case $1 in
        --cpu) device=cpu ;;
        --images) images=$2; shift ;;
        --python) python=$2; shift ;;
        --quick) quick=1 ;;
        -*) echo "error: unknown \`$1\`: see the top of benches/gpu.sh" >&2; exit 2 ;;
        *) backbones="$backbones $1" ;;
    esac
    shift
done
[ -n "$backbones" ] || backbones="tf_efficientnet_lite0 resnet50 convnext_tiny"

cargo build --example network || exit 1
network=target/debug/examples/network
failed=0
part() { echo; echo "## $1"; echo; shift; "$@" || { failed=1; echo "FAILED ($?)"; }; }

date -u +%Y-%m-%d
if [ "$device" = cuda ]; then
    command -v nvidia-smi > /dev/null && \
        nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
    precisions=f32,tf32,bf16; compared=f32,tf32,bf16,f16; batches=64,256; n=20; rounds=5; size=0; few=
    [ -z "$quick" ] || { n=10; rounds=2; }
else
    echo "on the CPU, in tiny sizes: to see that it works"
    precisions=f32,bf16; compared=f32,bf16; batches=4; n=2; rounds=1; size=64; few="--size 64"
fi
./kaggle-kit doctor || true

with="--device $device --batches $n --rounds $rounds --size $size"
[ -z "$python" ] || with="$with --python $python"
# shellcheck disable=SC2086
{
    part "What the CPU computes, relative differences" \
        "$network" $backbones --device $device $few --precision $compared --against-cpu \
        ${images:+--images "$images"}
    part "Operations a step" "$network" $backbones --device $device --precision f32,bf16 --launches
    part "Images a second, on tensors that are there" \
        "$network" $backbones $with --precision $precisions --batch $batches
    [ -z "$images" ] || part "Images a second, from files" \
        "$network" $backbones $with --precision bf16 --batch $batches --images "$images"
}
exit $failed

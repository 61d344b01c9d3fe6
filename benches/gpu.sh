#!/bin/sh
# What this machine's GPU makes of it, within five minutes: one table of images a second for each backbone,
# precision and batch, on tensors that are there and from files, beside timm's; then whether it computes what
# the CPU does, operations a step, and the tests that need a GPU.
#
#   make setup DEVICE=cuda && make build && sh benches/gpu.sh --python PYTHON
#
# On a machine without Rust or network it is started in the folder that `benches/gpu_bundle.py` made, which has
# the programs; libtorch is then that of a Python with torch 2.13 for CUDA, as `pip install torch` brings it.
#
#   --cpu             try it on the CPU, in tiny sizes
#   --images FOLDER   JPEGs to read; drawn ones without it
#   --python PYTHON   one with torch, timm and torchvision; without it there is nothing beside ours
#   --budget SECONDS  for all of it, 285 without it; what there is no time for is told
#   BACKBONE...       in timm's names
#
# A part that fails is told, and the others are done all the same; the exit code says whether one did.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export RUST_BACKTRACE=0

device=cuda; images=; python=; budget=285; backbones=
while [ $# -gt 0 ]; do
    case $1 in
        --cpu) device=cpu ;;
        --images) images=$(cd "$2" && pwd) || exit 2; shift ;;
        --python) python=$2; shift ;;
        --budget) budget=$2; shift ;;
        -*) echo "error: unknown \`$1\`: see the top of gpu.sh" >&2; exit 2 ;;
        *) backbones="$backbones $1" ;;
    esac
    shift
done
[ -n "$backbones" ] || backbones="tf_efficientnet_lite0 resnet50 convnext_tiny"

begun=$(date +%s)
left() { echo $((begun + budget - $(date +%s))); }
drawn=
trap '[ -z "$drawn" ] || rm -rf "$drawn"' EXIT
if [ -x "$here/bin/network" ]; then
    cd "$here" || exit 1
    network=bin/network; engine=bin/kaggle-kit-engine; tests=bin/tests; python=${python:-python3}
    export KAGGLE_KIT_CACHE="$here/cache"
    # The programs look for `torch/lib` beside `bin`.
    torch=$("$python" -c 'import torch; print(torch.__version__, torch.__path__[0])') || {
        echo "error: \`$python\` has no torch; name one that has by --python" >&2; exit 1; }
    case $torch in
        2.13.*) ln -sfn "${torch#* }" torch ;;
        *) echo "error: torch $torch: these programs are made for 2.13" >&2; exit 1 ;;
    esac
else
    cd "$here/.." || exit 1
    cargo build --bins --example network || exit 1
    network=target/debug/examples/network; engine=target/debug/kaggle-kit-engine
    tests="cargo test --test it --"
fi
# In builds without CUDA of their own nothing names this library, which registers itself when it is loaded.
preload=
[ "$device" = cpu ] || [ ! -f torch/lib/libtorch_cuda.so ] || preload=$PWD/torch/lib/libtorch_cuda.so
ours() { env ${preload:+LD_PRELOAD="$preload"} "$@"; }

failed=0
part() {
    echo; echo "## $1"; echo; shift
    [ "$(left)" -gt 5 ] || { echo "no time was left"; return; }
    timeout "$(left)" env ${preload:+LD_PRELOAD="$preload"} "$@" || { code=$?; failed=1; echo "FAILED ($code)"; }
}

date -u +%Y-%m-%d
# The table leaves time for the rest.
if [ "$device" = cuda ]; then
    command -v nvidia-smi > /dev/null && \
        nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
    precisions=bf16,tf32,f32; compared=f32,tf32,bf16,f16; batches=64,256; size=0; few=; rest=80
else
    echo "on the CPU, in tiny sizes: to see that it works"
    precisions=f32; compared=bf16; batches=4; size=64; few="--size 64"; rest=$((budget / 2))
fi
ours $engine doctor || true
[ -n "$images" ] || [ ! -d images ] || images=$PWD/images
# What is drawn is decoded as photographs are, but is unlike all that a network has seen: rounding shows more.
real=$images
if [ -z "$images" ]; then
    drawn=$(mktemp -d); images=$drawn
    ours $network --draw "$images" || exit 1
fi

# shellcheck disable=SC2086
set -- $backbones
first=$1; shift
# shellcheck disable=SC2086
{
    part "Images a second" "$network" $backbones --whole --budget $(($(left) - rest)) --device $device \
        --precision $precisions --batch $batches --size $size --images "$images" ${python:+--python "$python"}
    part "What the CPU computes, relative differences" "$network" $first $few --device $device \
        --precision $compared --against-cpu ${real:+--images "$real"}
    part "Operations a step" "$network" $backbones --device $device --precision f32 --launches
    [ "$device" = cpu ] || [ $# = 0 ] || part "What the CPU computes, of the others" "$network" "$@" \
        --device $device --precision bf16 --against-cpu ${real:+--images "$real"}
    [ "$device" = cpu ] || part "Tests that need a GPU" $tests gpu --test-threads 1
}
echo; echo "$(($(date +%s) - begun)) s in all"
exit $failed

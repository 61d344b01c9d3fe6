#!/bin/sh
# Two ranks as on two machines: each in a network namespace of its own, with a host name of its own, and
# /etc/hosts as Debian writes it, where a machine's own name is 127.0.1.1. Needs root (`ip netns`).
#
#   scripts/two_machines.sh COMMAND..     such as: ./kaggle-kit train dogs-vs-cats --smoke --device cpu
set -eu
[ $# -gt 0 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2; }
a="kk-a-$$" b="kk-b-$$" hosts=$(mktemp -d)
end() {
    ip netns delete "$a" 2>/dev/null || true
    ip netns delete "$b" 2>/dev/null || true
    rm -rf "$hosts"
}
trap end EXIT
ip netns add "$a"
ip netns add "$b"
ip link add "kka$$" type veth peer name "kkb$$"
number=1
for side in a b; do
    eval "space=\$$side"
    ip link set "kk$side$$" netns "$space"
    ip netns exec "$space" ip addr add "10.77.0.$number/24" dev "kk$side$$"
    ip netns exec "$space" ip link set "kk$side$$" up
    ip netns exec "$space" ip link set lo up
    number=$((number + 1))
done
printf '127.0.0.1 localhost\n127.0.1.1 node-a\n10.77.0.2 node-b\n' > "$hosts/a"
printf '127.0.0.1 localhost\n127.0.1.1 node-b\n10.77.0.1 node-a\n' > "$hosts/b"

# start SPACE HOSTS NAME RANK COMMAND..
start() {
    space=$1 file=$2 name=$3 rank=$4
    shift 4
    MASTER_ADDR=node-a MASTER_PORT=29477 RANK=$rank WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 \
        ip netns exec "$space" unshare --uts --mount sh -c \
        'mount --bind "$1" /etc/hosts && hostname "$2" && shift 2 && exec "$@"' start "$file" "$name" "$@"
}
start "$b" "$hosts/b" node-b 1 "$@" &
other=$!
code=0
start "$a" "$hosts/a" node-a 0 "$@" || code=$?
wait "$other" || code=$?
exit "$code"

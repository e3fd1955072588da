#!/usr/bin/env bash
# Runs a command in a network of its own, with processes and mounts of its own, to whose bridge `lan` it adds hosts:
# network.sh COMMAND [ARGUMENT…].
# The network of this machine is not changed, and whatever becomes of the command, nothing of it is left.
set -euo pipefail

missing=()
# Where Debian has each tool.
declare -A packages=([ip]=iproute2 [nft]=nftables [unshare]=util-linux [setpriv]=util-linux)
for tool in "${!packages[@]}"; do
  command -v "$tool" > /dev/null || missing+=("$tool (apt-get install ${packages[$tool]})")
done
initdb="$(command -v initdb /usr/lib/postgresql/*/bin/initdb | tail -n 1 || true)"
[[ -n "$initdb" ]] || missing+=("initdb (apt-get install postgresql)")
[[ $(id -u) == 0 ]] || missing+=("root (sudo)")
if ((${#missing[@]} == 0)); then
  unshare --net --mount true 2> /dev/null || missing+=("a system that lets root make namespaces of networks (CAP_SYS_ADMIN, in a container: --privileged)")
fi
if ((${#missing[@]} > 0)); then
  echo "hosts with networks of their own cannot be made, because there is no:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
fi

# The first process of its namespace waits for those that nobody else waits for.
export POSTGRES_BIN TELEMACHY_TEST_NETWORK=true
POSTGRES_BIN="$(dirname "$(readlink -f "$initdb")")"
exec unshare --net --mount --pid --fork --mount-proc --kill-child bash -c '
  set -euo pipefail
  mkdir -p /run/netns
  mount -t tmpfs networks /run/netns
  ip link set lo up
  ip link add lan type bridge
  ip addr add 10.77.0.1/24 dev lan
  ip link set lan up
  status=0
  "$@" || status=$?
  exit "$status"
' network "$@"

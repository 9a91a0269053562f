# What every agent here does with files. Sourced, with `me` set.
set -u
nap() { sleep 0.2 2>/dev/null || sleep 1; }
say() { echo "$me  $*"; }
# A file is finished when it gets its name, so it is written under another one first.
publish() { mkdir -p "$(dirname "$1")" && cat >"$1.tmp" && mv "$1.tmp" "$1"; }
# The value of a plain field: its first line in a file that the daemon wrote.
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$2" | head -n 1; }
# Waits for a file for about a minute.
await() {
  i=0
  while [ ! -e "$1" ]; do
    i=$((i + 1)); [ "$i" -gt 300 ] && { say "nothing came: $1"; exit 1; }
    nap
  done
}
# Waits for a package that was not answered yet, and prints its name, such as H-1.1.
await_package() { # folder of the agent
  i=0
  while :; do
    for transfer in "$1"/H-*/transfer.json; do
      name=$(basename "$(dirname "$transfer")")
      [ -e "$transfer" ] && [ ! -e "$1/$name.answer.json" ] && { echo "$name"; return 0; }
    done
    i=$((i + 1)); [ "$i" -gt 300 ] && { say "no package came" >&2; return 1; }
    nap
  done
}
# Waits until a sender is told one of the words.
await_ack() { # folder word...
  dir=$1; shift; i=0
  await "$dir/handoff.receipt.json"
  while :; do
    status=$(field status "$dir/handoff.ack.json" 2>/dev/null)
    for word in "$@"; do [ "$status" = "$word" ] && return 0; done
    i=$((i + 1)); [ "$i" -gt 300 ] && { say "never told $*, but $status"; exit 1; }
    nap
  done
}

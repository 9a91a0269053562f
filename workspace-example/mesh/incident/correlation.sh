#!/bin/sh
# Eighty-four alerts belong together; who finds out why is another agent.
me=correlation
cd "${1:-$(dirname "$0")}" && . ./lib.sh || exit 1
work=agents/$me/inc-0042
mkdir -p "$work"
publish "$work/handoff.json" <payload.json
say "handed to the investigation"
await_ack "$work" accepted progress completed
say "the investigation took it"

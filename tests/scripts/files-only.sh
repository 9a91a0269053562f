#!/bin/sh
# An agent that knows only echo, mv and sleep. Works in the folder it is started in.
set -eu

hand_over() {
  echo "$1" > report.md
  echo '{
    "handoff_version": "1.0",
    "from_agent": "shell",
    "task_id": "q3-summary",
    "task": "Draft the Q3 summary",
    "summary": "'"$1"'",
    "artifacts": ["report.md"]
  }' > .handoff.part
  mv .handoff.part handoff.json
}

# Waits until decision.json says the word.
wait_for() {
  while :; do
    if [ -e decision.json ]; then
      while read -r line; do
        case $line in *"$1"*) return ;; esac
      done < decision.json
    fi
    sleep 0.1
  done
}

hand_over "First draft"
wait_for changes_requested
echo "asked for changes"
hand_over "Second draft"
wait_for approved
echo "approved"

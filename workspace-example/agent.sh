#!/bin/sh
# An agent that uses nothing but files: echo, printf, cat, cp, mv and sleep.
# It hands over three pieces of work and one broken file, then waits for answers and acts on them.
# Usage: agent.sh [WORKSPACE]     (without one, the folder that it stands in)

set -u
cd "${1:-$(dirname "$0")}" || exit 1

say() { echo "$(date +%H:%M:%S) demo-writer  $*"; }

# Shorter steps where the system's sleep knows them.
nap() { sleep 0.2 2>/dev/null || sleep 1; }

# A file is finished when it gets its name, so it is written under another one first.
publish() { cat >"$1.tmp" && mv "$1.tmp" "$1"; }

checkpoint() { # folder step steps title
  publish "$1/checkpoint.json" <<EOF
{
  "checkpoint_version": "1.0",
  "from_agent": "demo-writer",
  "task_id": "demo-$1",
  "step": $2,
  "steps": $3,
  "at": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
  "title": "$4",
  "pid": $$
}
EOF
  say "checkpoint   $1 $2/$3 $4"
}

release_notes() { # revision
  publish release-notes/handoff.json <<EOF
{
  "handoff_version": "1.0",
  "from_agent": { "id": "demo-writer", "provider": "none", "model": "a shell script" },
  "task_id": "demo-release-notes",
  "title": "Release notes for 4.18",
  "task": "Write the release notes for 4.18",
  "status": "completed",
  "trigger": "completion",
  "confidence": 0.95,
  "summary": "Collected from 31 merged changes. Three things are new or changed for people who use the API.",
  "completed": ["Read the merged changes", "Wrote the notes", "Checked every link"],
  "artifacts": [{ "path": "4.18.md", "role": "output", "title": "Release notes" }],
  "requests": [{ "id": "publish", "kind": "review", "prompt": "May these notes go out with 4.18?" }]
}
EOF
  say "handoff      release-notes revision $1"
}

backfill() { # draft summary
  cp "drafts/backfill/backfill.r$1.sql" backfill/backfill.sql
  cp "drafts/backfill/unresolved.r$1.csv" backfill/unresolved.csv
  publish backfill/handoff.json <<EOF
{
  "handoff_version": "1.0",
  "from_agent": "demo-writer",
  "task_id": "demo-backfill",
  "title": "Backfill currency on 48,211 legacy invoices",
  "task": "Give every legacy invoice a currency",
  "status": "blocked",
  "trigger": "critical_action",
  "confidence": { "value": 0.55, "basis": "the country history has gaps" },
  "reason": "The next step writes to production.",
  "summary": "$2",
  "completed": ["Dry run on a copy"],
  "remaining": ["Run backfill.sql in 97 batches", "Compare the totals"],
  "decisions": ["Credit notes are left alone"],
  "pitfalls_hit": ["Customers move: the billing country of today is not that of the invoice"],
  "artifacts": [
    { "path": "backfill.sql", "role": "output" },
    { "path": "unresolved.csv", "role": "evidence", "title": "What could not be inferred" }
  ],
  "requests": [{
    "id": "run", "kind": "approve_action", "prompt": "May I run backfill.sql against the production ledger?",
    "action": { "name": "psql", "arguments": { "file": "backfill.sql", "target": "production" } }
  }]
}
EOF
  say "handoff      backfill, draft $1"
}

repeat() { # count byte, in octal
  n=0
  while [ "$n" -lt "$1" ]; do printf "\\$2"; n=$((n + 1)); done
}

pixels() { # eight colours: one line through eight tiles, as two blocks of 120 pixels
  for block in 1 2; do
    printf '\171\200' # 121 bytes follow; the first empties the table, so that nothing is compressed
    for tile in 1 2 3 4; do repeat 28 "$1"; repeat 2 000; shift; done
  done
}

# A picture, byte by byte: a GIF of 240 x 144 pixels, in which each of 32 tiles stands for ten videos.
contact_sheet() { # file
  for row in 1 2 3 4; do
    case $row in
      3) pixels 001 002 001 002 001 003 001 002 ;;
      2 | 4) pixels 002 001 002 001 002 001 002 001 ;;
      *) pixels 001 002 001 002 001 002 001 002 ;;
    esac >"$1.row$row"
  done
  pixels 000 000 000 000 000 000 000 000 >"$1.gap"
  {
    # Size, a table of 128 colours (dark, two that went well, one that did not), and the one image.
    printf 'GIF89a\360\000\220\000\366\000\000'
    printf '\022\031\032\164\307\330\027\146\072\250\040\032'
    repeat 372 000
    printf ',\000\000\000\000\360\000\220\000\000\007'
    for row in 1 2 3 4; do
      for pair in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do cat "$1.row$row" "$1.row$row"; done
      cat "$1.gap" "$1.gap"
    done
    printf '\001\201\000;'
  } >"$1.tmp" && mv "$1.tmp" "$1"
  rm -f "$1".row? "$1.gap"
}

thumbnails() {
  cp drafts/thumbnails.log thumbnails/render.log
  contact_sheet thumbnails/contact-sheet.gif
  publish thumbnails/handoff.json <<EOF
{
  "handoff_version": "1.0",
  "from_agent": "demo-writer",
  "task_id": "demo-thumbnails",
  "title": "Thumbnails for 320 product videos",
  "task": "Make a thumbnail for each of 320 videos",
  "status": "failed",
  "trigger": "error",
  "confidence": 0.9,
  "reason": "6 of 320 videos cannot be decoded.",
  "summary": "314 pictures are made. The other 6 use a profile that the decoder does not know.",
  "completed": ["314 pictures"],
  "remaining": ["6 pictures"],
  "questions": ["Leave the 6 without a picture, or wait for the originals?"],
  "artifacts": [
    { "path": "contact-sheet.gif", "role": "preview", "title": "Ten videos to a tile; red: not all could be decoded" },
    { "path": "render.log", "role": "log" }
  ]
}
EOF
  say "handoff      thumbnails, stopped with an error"
}

broken() {
  publish ap-october/handoff.json <<'EOF'
{
  "handoff_version": "1.0",
  "from_agent": "demo-writer",
  "task_id": "demo-ap-october",
  "confidence": "high",
  "trigger": "finished",
  "sumary": "Matched 412 of 430 invoices"
}
EOF
  say "handoff      ap-october, with two mistakes in it"
}

# What the answer says: the value of one field of decision.json, which stands on a line of its own.
field() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$2/decision.json"; }

answered() { # folder
  outcome=$(field outcome "$1")
  revision=$(field revision "$1")
  case $outcome in
    approved | responded)
      say "got decision $1: $outcome, going on"
      publish "$1/went-on.txt" <<EOF
$outcome, so the work of revision $revision went on.
EOF
      mv "$1/decision.json" "$1/decision.r$revision.json"
      ;;
    changes_requested)
      say "got decision $1: changes requested, working on them"
      cp "$1/feedback.md" "$1/feedback.r$revision.md"
      mv "$1/decision.json" "$1/decision.r$revision.json"
      again "$1" $((revision + 1))
      ;;
    *)
      say "got decision $1: $outcome, stopping there"
      mv "$1/decision.json" "$1/decision.r$revision.json"
      ;;
  esac
}

# Comes back with what was asked written into the work itself.
again() { # folder revision
  case $1 in
    release-notes)
      { echo; echo "## Asked for in review"; echo; sed -n '/^By /,/^Make the changes/p' release-notes/feedback.md | sed '1d;$d'; } >>release-notes/4.18.md
      release_notes "$2"
      ;;
    backfill)
      { echo; sed -n '/^By /,/^Make the changes/p' backfill/feedback.md | sed '1d;$d;s/^/-- /'; } >>drafts/backfill/backfill.r2.sql
      backfill 2 "Changed as you asked; what you asked for stands at the end of backfill.sql."
      ;;
    thumbnails)
      echo "$(date +%H:%M:%S) asked for changes; trying the 6 once more" >>drafts/thumbnails.log
      thumbnails
      ;;
  esac
}

mkdir -p release-notes backfill thumbnails ap-october
if [ ! -e release-notes/4.18.md ]; then
  checkpoint release-notes 1 2 "Read 31 merged changes"
  nap
  cp drafts/release-notes/4.18.md release-notes/4.18.md
  checkpoint release-notes 2 2 "Wrote the notes"
  release_notes 1
  nap
  backfill 1 "Adds a currency to 47,999 of 48,211 invoices, from the billing country of the customer."
  broken
  thumbnails
  nap
  nap
  nap
  backfill 2 "Adds a currency to 48,000 of 48,211 invoices, now from the country on the day of the invoice."
fi

# It works for as long as whoever started it is there.
while kill -0 "$PPID" 2>/dev/null; do
  for folder in release-notes backfill thumbnails; do
    [ -e "$folder/decision.json" ] && answered "$folder"
  done
  nap
done

#!/bin/sh
# Takes the incident and finds a cause. It is not sure enough, so a person is asked; what to do about it is
# not its to say.
me=investigation
cd "${1:-$(dirname "$0")}" && . ./lib.sh || exit 1
here=agents/$me
package=$(await_package "$here") || exit 1
task=$(field task_id "$here/$package/transfer.json")
publish "$here/$package.answer.json" <<END
{"answer_version": "1.0", "answer": "accept"}
END
await "$here/$package.answer.receipt.json"
say "took $task"
work=$here/$task
mkdir -p "$work"
echo "deploy:prod-2026-04-17-2247 changed the retry policy of payment-client" >"$work/evidence.txt"
publish "$work/handoff.json" <<END
{
  "handoff_version": "1.0",
  "from_agent": "$me",
  "task_id": "$task",
  "title": "Root cause of $task",
  "task": "Confirm the root cause",
  "trigger": "confidence",
  "confidence": 0.71,
  "reason": "Two explanations are left.",
  "summary": "The deploy at 22:47 changed the retry policy; retries pile up since 23:03.",
  "scope": {"represents": "A proposed root cause with evidence.", "excludes": ["What to do about it."]},
  "artifacts": ["evidence.txt"]
}
END
await "$work/handoff.receipt.json"
say "a person is asked"

#!/bin/sh
# Convertible securities with obligations in a foreign currency go to the risk assessor as well.
me=credit_analyst
cd "${1:-$(dirname "$0")}" && . ./lib.sh || exit 1
work=agents/$me/notes-2031
mkdir -p "$work"
publish "$work/handoff.json" <<END
{
  "handoff_version": "1.0",
  "contract": "peer-handoff@1.0",
  "from_agent": "$me",
  "to_agent": "international_risk_assessor",
  "task_id": "acme-notes-2031",
  "task": "Assess the currency denomination of the convertible notes due 2031",
  "summary": "The notes are convertible, and half of the coupons are owed in euro.",
  "confidence": 0.85,
  "reason": "Currency denomination is outside my domain.",
  "timeout_seconds": 3600,
  "expected_output": {"schema": {"type": "object", "required": ["currency_risk_score"]}},
  "context": {
    "company": "ACME Corp", "foreign_revenue_percent": 60, "markets": ["Germany"], "currency": "USD"
  }
}
END
say "handed to the risk assessor"
await_ack "$work" completed
say "the assessment came back"

#!/bin/sh
# Reads a filing. More than a third of the revenue is abroad, so the risk assessor is asked.
me=sec_filing_analyzer
cd "${1:-$(dirname "$0")}" && . ./lib.sh || exit 1
work=agents/$me/acme
mkdir -p "$work"
echo "Brazil 30, India 20, Turkey 10, home 40" >"$work/revenue.txt"
publish "$work/handoff.json" <<END
{
  "handoff_version": "1.0",
  "contract": "peer-handoff@1.0",
  "from_agent": "$me",
  "to_agent": "international_risk_assessor",
  "task_id": "acme-10k",
  "task": "Assess the currency exposure of ACME Corp from its 10-K",
  "summary": "Sixty percent of the revenue is abroad: Brazil, India and Turkey.",
  "confidence": 0.82,
  "reason": "Currency risk is outside my domain.",
  "timeout_seconds": 3600,
  "expected_output": {"schema": {
    "type": "object",
    "required": ["currency_risk_score", "hedging_recommendations", "exposure_by_market", "confidence"],
    "properties": {
      "currency_risk_score": {"type": "number", "minimum": 0, "maximum": 10},
      "hedging_recommendations": {"type": "array", "items": {"type": "string"}, "minItems": 1},
      "exposure_by_market": {"type": "object", "additionalProperties": {"type": "number"}},
      "confidence": {"type": "number", "minimum": 0, "maximum": 1}
    }
  }},
  "context": {
    "company": "ACME Corp", "foreign_revenue_percent": 60,
    "markets": ["Brazil", "India", "Turkey"], "currency": "USD"
  },
  "artifacts": ["revenue.txt"]
}
END
say "handed to the risk assessor"
await_ack "$work" completed
await "$work/handoff.result.json"
say "the assessment came back"
report=agents/$me/acme-report
mkdir -p "$report"
cp "$work/handoff.result.json" "$report/assessment.json"
publish "$report/handoff.json" <<END
{
  "handoff_version": "1.0",
  "from_agent": "$me",
  "task_id": "acme-10k-report",
  "task": "Report on the investment risks of ACME Corp",
  "summary": "Filing read, currency exposure assessed by the specialist.",
  "confidence": 0.9,
  "artifacts": ["assessment.json"]
}
END
await "$report/handoff.receipt.json"
say "the report waits for a person"

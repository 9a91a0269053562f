#!/bin/sh
# Takes what is within its domain, declines the rest, and hands to nobody.
me=international_risk_assessor
cd "${1:-$(dirname "$0")}" && . ./lib.sh || exit 1
here=agents/$me
left=${TASKS:-1}
done=" "
i=0
while [ "$left" -gt 0 ]; do
  for package in "$here"/H-*; do
    name=$(basename "$package")
    [ -e "$package/transfer.json" ] || continue
    case $done in *" $name "*) continue ;; esac
    done="$done$name "
    left=$((left - 1))
    if ! (cd "$package" && sha256sum -c --status SHA256SUMS); then
      publish "$here/$name.answer.json" <<END
{"answer_version": "1.0", "answer": "decline", "reason": "bad_signature", "note": "It is not what was sealed."}
END
      say "declined $name, which was changed"
      continue
    fi
    if ! grep -q '"foreign_revenue_percent"' "$package/sealed/handoff.json"; then
      publish "$here/$name.answer.json" <<END
{"answer_version": "1.0", "answer": "decline", "reason": "out_of_scope", "note": "No foreign revenue in it."}
END
      say "declined $name"
      continue
    fi
    publish "$here/$name.answer.json" <<END
{"answer_version": "1.0", "answer": "accept"}
END
    await "$here/$name.answer.receipt.json"
    say "took $name"
    echo "BRL 30, INR 20, TRY 10" >"$here/exposure.txt"
    publish "$here/$name.answer.json" <<END
{
  "answer_version": "1.0", "answer": "complete", "confidence": 0.86,
  "result": {
    "currency_risk_score": 7.5,
    "hedging_recommendations": ["Forward contracts for BRL", "Options for TRY"],
    "exposure_by_market": {"Brazil": 30, "India": 20, "Turkey": 10},
    "confidence": 0.86
  },
  "artifacts": ["exposure.txt"]
}
END
    say "assessed $name"
  done
  i=$((i + 1)); [ "$i" -gt 300 ] && { say "nothing to do"; exit 1; }
  nap
done

//! The cards of the sample work, one for each thing that a page has to show.

use countersign_protocol::{HandoffId, decision::Outcome};

use super::{
    asked,
    card::{Card, Files},
    sample::{HOSTILE, backfill, card, decision, files, minutes, row},
};
use crate::desk::RiskLevel;

/// Handoffs with one of everything that a page has to show.
pub(super) fn cards() -> Vec<Card> {
    vec![
        backfill(),
        disputes(),
        board(),
        thumbnails(),
        hostile(),
        notes(),
    ]
}

fn disputes() -> Card {
    let mut row = row(
        9,
        "Reply to 14 supplier disputes",
        "Sends email outside the company, so policy asks for a person",
        "supplier-desk",
        "accounts-payable",
    );
    row.risk.level = RiskLevel::High;
    row.confidence = Some(0.84);
    row.handed_over_at = minutes(-64);
    row.due_at = Some(minutes(-4));
    card(
        row,
        "May I send these 14 replies?",
        vec![files(&[("drafts/01.txt", b"Dear supplier,\n")])],
    )
}

fn board() -> Card {
    let mut row = row(
        11,
        "Q3 board pack, draft for sign-off",
        "Finished. The workspace asks for sign-off",
        "report-writer",
        "board-q3",
    );
    row.risk.level = RiskLevel::Medium;
    row.confidence = None;
    row.handed_over_at = minutes(-26);
    row.due_at = Some(minutes(60 * 50));
    let long = "A line of the pack\n".repeat(700);
    card(
        row,
        "Is this ready for the board?",
        vec![files(&[("pack.md", long.as_bytes())])],
    )
}

fn thumbnails() -> Card {
    let mut row = row(
        12,
        "Thumbnails for 320 product videos",
        "Stopped with an error: 6 of 320 renders failed and it needs a choice",
        "media-renderer",
        "catalogue-media",
    );
    row.confidence = Some(0.71);
    row.stalled = true;
    row.handed_over_at = minutes(-44);
    let mut card = card(row, "Shall I skip the six or retry?", vec![Files::new()]);
    card.review.answers = ["respond", "reject"].map(str::to_owned).to_vec();
    card
}

fn hostile() -> Card {
    let mut row = row(13, HOSTILE, HOSTILE, HOSTILE, "sandbox");
    HOSTILE.clone_into(&mut row.folder);
    row.risk.reasons = vec![HOSTILE.to_owned()];
    let name = format!("{HOSTILE}.md");
    let files = files(&[
        (name.as_str(), HOSTILE.as_bytes()),
        ("page.html", b"<h1>hi</h1><script>alert(2)</script>\n"),
    ]);
    let mut card = card(row, HOSTILE, vec![files]);
    card.review.summary = Some(HOSTILE.to_owned());
    card.review.questions = vec![HOSTILE.to_owned()];
    card.review.requests = asked::hostile();
    card.review.facts = vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
    card.review.document = Some(HOSTILE.to_owned());
    card
}

fn notes() -> Card {
    let row = row(
        5,
        "Release notes for 4.18",
        "Finished",
        "release-scribe",
        "release-4.18",
    );
    let mut card = card(
        row,
        "Fine to publish?",
        vec![files(&[("notes.md", b"# 4.18\n")])],
    );
    let mut document = decision();
    document.handoff_id = HandoffId(5);
    document.outcome = Outcome::Approved;
    card.decisions.insert(1, document);
    card.delivered = true;
    card.settle();
    card
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| u8::try_from(c.to_digit(16)?).ok())
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

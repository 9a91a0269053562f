//! The diffs of ordinary and of odd input.

use super::*;

#[test]
fn lines_are_followed_where_they_still_stand() {
    let compared = compare("a\nb\nc\nd\ne\n", "x\na\nb\nC\nd\ne\n", false, None);
    assert_eq!(compared.carry(0..2), Ok(1..3));
    assert_eq!(compared.carry(4..5), Ok(5..6));
    // What changed, and what reaches into it, has a place beside the change.
    assert_eq!(compared.carry(2..3), Err(3));
    assert_eq!(compared.carry(1..3), Err(2));
    // A file that has no such line has its end.
    assert_eq!(compared.carry(8..9), Err(5));
    let gone = compare("a\nb\nc\n", "a\nc\n", false, None);
    assert_eq!(gone.carry(1..2), Err(0));
    assert_eq!(gone.carry(2..3), Ok(1..2));
}

fn show(old: &str, new: &str) -> Diff {
    diff(old, new, &Wish::default())
}

fn text(row: &Row) -> String {
    match row {
        Row::Line(line) => {
            let sign = match line.sign {
                Sign::Same => ' ',
                Sign::Added => '+',
                Sign::Removed => '-',
            };
            let text: String = line
                .pieces
                .iter()
                .map(|piece| piece.text.as_str())
                .collect();
            format!("{sign}{text}")
        }
        Row::Fold { hidden, .. } => format!("~{hidden}"),
    }
}

fn marked(row: &Row) -> String {
    let Row::Line(line) = row else {
        panic!("a fold")
    };
    let pieces = line.pieces.iter().filter(|piece| piece.marked);
    pieces.map(|piece| piece.text.as_str()).collect()
}

#[test]
fn a_changed_word_is_marked_on_both_sides() {
    let diff = show(
        "UPDATE invoices\nSET currency = c.billing_currency\nWHERE 1;\n",
        "UPDATE invoices\nSET currency = c.currency\nWHERE 1;\n",
    );
    assert_eq!((diff.added, diff.removed, diff.total), (1, 1, 4));
    let shown: Vec<_> = diff.rows.iter().map(text).collect();
    assert_eq!(shown[1], "-SET currency = c.billing_currency");
    assert_eq!(shown[2], "+SET currency = c.currency");
    let Row::Line(line) = &diff.rows[2] else {
        panic!("a fold")
    };
    assert_eq!((line.old, line.new), (None, Some(2)));
    assert!(marked(&diff.rows[1]).contains("billing_currency"));
    assert!(marked(&diff.rows[2]).contains("currency"));
    assert_eq!(marked(&diff.rows[0]), "");
}

#[test]
fn unchanged_lines_are_folded_and_opened_by_their_number() {
    let between = (0..20)
        .map(|at| format!("line {at}\n"))
        .collect::<Vec<_>>()
        .concat();
    let (old, new) = (format!("one\n{between}two\n"), format!("uno\n{between}"));
    let diff = show(&old, &new);
    assert_eq!((diff.added, diff.removed), (1, 2));
    let shown: Vec<_> = diff.rows.iter().map(text).collect();
    assert_eq!(shown[5], "~14");
    assert_eq!(shown.len(), 2 + 3 + 1 + 3 + 1);
    let wish = Wish {
        open: vec![0],
        ..Wish::default()
    };
    let open = super::diff(&old, &new, &wish);
    assert_eq!(open.rows.len(), 2 + 20 + 1);
    assert!(open.rows.iter().all(|row| matches!(row, Row::Line(_))));
}

#[test]
fn a_long_diff_is_shown_in_pages_that_lose_nothing() {
    let old = (0..7_000)
        .map(|at| format!("old {at}\n"))
        .collect::<Vec<_>>()
        .concat();
    let new = (0..6_500)
        .map(|at| format!("new {at}\n"))
        .collect::<Vec<_>>()
        .concat();
    let compared = compare(&old, &new, false, None);
    let mut all = Vec::new();
    for from in (0..).step_by(PAGE) {
        let wish = Wish {
            from,
            ..Wish::default()
        };
        let diff = page(&old, &new, &compared, &wish);
        assert_eq!(diff.total, 13_500);
        assert!(diff.rows.len() <= PAGE);
        if diff.rows.is_empty() {
            break;
        }
        all.extend(diff.rows.iter().map(text));
    }
    assert_eq!(all.len(), 13_500);
    assert_eq!(all[6_999], "-old 6999");
    assert_eq!(all[13_499], "+new 6499");
}

#[test]
fn side_by_side_puts_a_removed_line_beside_the_added_one() {
    let mut diff = show("a\nb\nc\nd\n", "a\nB\nC\nX\nd\n");
    diff.split();
    assert!(diff.rows.is_empty());
    let shown: Vec<_> = diff
        .pairs
        .iter()
        .map(|pair| {
            (
                pair.old.as_ref().and_then(|l| l.old),
                pair.new.as_ref().and_then(|l| l.new),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (Some(1), Some(1)),
            (Some(2), Some(2)),
            (Some(3), Some(3)),
            (None, Some(4)),
            (Some(4), Some(5))
        ]
    );
}

#[test]
fn white_space_counts_only_when_it_should() {
    let (old, new) = ("if a {\nb\n}\n", "if  a {\n    b\n}\n");
    assert_eq!(show(old, new).added, 2);
    let wish = Wish {
        ignore_space: true,
        ..Wish::default()
    };
    let diff = diff(old, new, &wish);
    assert_eq!((diff.added, diff.removed), (0, 0));
    assert!(diff.rows.is_empty());
}

#[test]
fn hidden_characters_are_written_out() {
    let diff = show("a\n", "a\u{202E}b\u{200B}\n");
    let text: String = diff.rows.iter().map(text).collect();
    assert!(
        text.contains("‹U+202E›") && text.contains("‹U+200B›"),
        "{text}"
    );
    assert!(!text.contains('\u{202E}'));
}

#[test]
fn long_lines_are_cut_and_that_is_said() {
    let diff = show("", &"m".repeat(MAX_LINE * 3));
    let Row::Line(line) = &diff.rows[0] else {
        panic!("a fold")
    };
    assert_eq!(line.pieces[0].text.len(), MAX_LINE);
    assert_eq!(line.pieces[1].text, "…");
    assert_eq!(diff.notes, ["Lines are cut at 2000 characters."]);
}

#[test]
fn a_deadline_that_passed_gives_a_rough_diff_and_a_true_one() {
    let old = (0..3_000)
        .map(|at| format!("{}\n", at * 7 % 1_000))
        .collect::<Vec<_>>()
        .concat();
    let new = (0..3_000)
        .map(|at| format!("{}\n", at * 11 % 1_000))
        .collect::<Vec<_>>()
        .concat();
    let past = tokio::time::Instant::now().into_std();
    let wish = Wish {
        deadline: Some(past),
        ..Wish::default()
    };
    let diff = super::diff(&old, &new, &wish);
    let same = diff.total - diff.added - diff.removed;
    assert!(diff.added + same >= 1 && diff.added <= 3_000 && diff.removed <= 3_000);
    assert_eq!(diff.added, diff.removed, "both sides have as many lines");
}

#[test]
fn the_whole_text_removed_or_added() {
    let gone = show("a\nb\n", "");
    assert_eq!((gone.added, gone.removed), (0, 2));
    assert_eq!(
        (show("", "a\nb\n").added, show("", "a\nb\n").removed),
        (2, 0)
    );
    assert!(show("same\n", "same\n").rows.is_empty());
}

/// Whatever the two texts are, the rows of a diff with every fold open are the two texts.
#[test]
fn a_diff_is_its_two_sides() {
    let mut seed = 7_u64;
    let mut next = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..300 {
        let mut side = || -> String {
            (0..next(40))
                .map(|_| {
                    ["a\n", "b b\n", "<b>\n", "\u{202E}x\n", "\n", "c\r\n"]
                        [usize::try_from(next(6)).unwrap()]
                })
                .collect()
        };
        let (old, new) = (side(), side());
        let open = (0..40).collect();
        let diff = diff(
            &old,
            &new,
            &Wish {
                open,
                ..Wish::default()
            },
        );
        if diff.added + diff.removed == 0 {
            continue;
        }
        let rebuilt = |skip: Sign| -> Vec<String> {
            diff.rows
                .iter()
                .filter(|row| matches!(row, Row::Line(line) if line.sign != skip))
                .map(|row| text(row)[1..].to_owned())
                .collect()
        };
        let plain = |text: &str| -> Vec<String> {
            text.lines()
                .map(|line| visible(line).into_owned())
                .collect()
        };
        assert_eq!(rebuilt(Sign::Removed), plain(&new));
        assert_eq!(rebuilt(Sign::Added), plain(&old));
    }
}

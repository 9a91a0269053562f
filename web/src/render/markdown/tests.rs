//! Nothing of a page is more than it looks.

use super::*;
use crate::render::diff::compare;

fn page(text: &str) -> String {
    blocks(text, None)
        .iter()
        .map(|block| block.html.as_str())
        .collect()
}

#[test]
fn plain_markdown_is_a_page_below_the_headings_of_ours() {
    let html = page("# One\n\n### Deep\n\n- [x] a\n- b `c`\n\n| a | b |\n|:-|-:|\n| 1 | 2 |\n");
    for part in [
        "<h4>One</h4>",
        "<h5>Deep</h5>",
        "<li>",
        "☑ a",
        "<code>c</code>",
        "<td>1</td>",
    ] {
        assert!(html.contains(part), "no {part} in {html}");
    }
    assert!(
        !html.contains("style") && !html.contains("<input"),
        "{html}"
    );
}

#[test]
fn nothing_of_it_is_more_than_text() {
    for text in [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<div onclick=\"x\">\n\nhi\n\n</div>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "<javascript:alert(1)>",
        "[x](data:text/html,<script>)",
        "[x](/queue)",
        "[x](//evil.example)",
        "![x](https://evil.example/pixel.png)",
        "[x](https://a\"onmouseover=alert(1))",
        "```\"><script>\nx\n```",
        "[a]: javascript:x\n\n[a]",
    ] {
        let html = page(text);
        let tags: Vec<&str> = html
            .split('<')
            .skip(1)
            .map(|tag| tag.split('>').next().unwrap())
            .collect();
        for tag in tags {
            let plain = !tag.contains(['"', '=', ' ']);
            assert!(
                plain || tag.starts_with("a href=\"https://a%22"),
                "{text}: <{tag}> in {html}"
            );
            assert!(
                !tag.starts_with("script") && !tag.starts_with("img"),
                "{text}: {html}"
            );
        }
    }
}

#[test]
fn a_link_says_where_it_leads() {
    let html =
        page("[our bank](https://user@evil.example:8443/login) and <https://good.example/x>");
    assert!(html.contains("our bank</a> (evil.example:8443)"), "{html}");
    assert!(page("[x](javascript:alert(1))").contains("x (javascript:alert(1))"));
    assert!(
        page("![the chart](https://e.example/p.png)")
            .contains("[image https://e.example/p.png: the chart]")
    );
    assert!(page("a\u{202E}b `c\u{200B}`").contains("a‹U+202E›b <code>c‹U+200B›</code>"));
}

#[test]
fn blocks_with_changed_lines_have_a_bar() {
    let (old, new) = (
        "# A\n\none\n\ntwo\n\nthree\n",
        "# A\n\none\n\nTWO\n\nthree\n",
    );
    let compared = compare(old, new, false, None);
    let bars: Vec<bool> = blocks(new, Some(&compared))
        .iter()
        .map(|b| b.changed)
        .collect();
    assert_eq!(bars, [false, false, true, false]);
}

/// Whatever is written, only elements of the closed list come out.
#[test]
fn only_known_elements_come_out() {
    const KNOWN: [&str; 26] = [
        "p",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "pre",
        "code",
        "em",
        "strong",
        "del",
        "a",
        "br",
        "hr",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "blockquote",
        "br /",
        "hr /",
        "dl",
        "dt",
    ];
    let pieces = [
        "# ",
        "\n",
        "\n\n",
        "*",
        "`",
        "```",
        "<b>",
        "<script>",
        "[x](",
        ")",
        "http://h/",
        "| a |",
        "|-|",
        "- ",
        "&lt;",
        "\"",
        "'",
        "<!--",
        "-->",
        "![",
        "](",
        "javascript:",
        "\u{202E}",
        "1. ",
        "> ",
        "\\",
    ];
    let mut seed = 3_u64;
    for _ in 0..2_000 {
        let mut text = String::new();
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(pieces[usize::try_from(seed >> 33).unwrap() % pieces.len()]);
        }
        let html = page(&text);
        assert!(!html.contains('\u{202E}'), "{text:?}");
        for tag in html.split('<').skip(1) {
            let name = tag
                .split(['>', ' '])
                .next()
                .unwrap()
                .trim_start_matches('/');
            assert!(KNOWN.contains(&name), "<{name}> from {text:?}: {html}");
        }
    }
}

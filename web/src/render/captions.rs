//! Captions, written anew: times and plain words are taken from a file, and nothing else of it.

use std::fmt::Write as _;

use super::visible::visible;

/// The most that are taken.
const CUES: usize = 20_000;

/// The `WebVTT` of a file in `WebVTT` or `SubRip`; none when it has no captions. Styles, regions, settings and
/// tags stay behind.
pub fn captions(text: &str) -> Option<String> {
    let mut vtt = "WEBVTT\n".to_owned();
    let mut cues = 0;
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    while let Some(line) = lines.next() {
        let Some((start, rest)) = line.split_once("-->") else {
            continue;
        };
        let end = rest.split_whitespace().next().unwrap_or_default();
        let (Some(start), Some(end)) = (time(start.trim()), time(end)) else {
            continue;
        };
        let mut words = String::new();
        for line in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
            let plain = without_tags(line);
            if !plain.contains("-->") && !plain.trim().is_empty() {
                // Writing to a string cannot fail.
                let _ = writeln!(words, "{}", visible(&plain));
            }
        }
        if words.is_empty() || start >= end {
            continue;
        }
        let _ = write!(vtt, "\n{} --> {}\n{words}", stamp(start), stamp(end));
        cues += 1;
        if cues == CUES {
            break;
        }
    }
    (cues > 0).then_some(vtt)
}

/// Milliseconds of `[hours:]minutes:seconds.milliseconds`, with a point or a comma.
fn time(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once(['.', ','])?;
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.len() <= 4;
        let digits = digits && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let mut seconds = 0;
    let parts = whole.split(':');
    if !(2..=3).contains(&parts.clone().count()) || fraction.len() != 3 {
        return None;
    }
    for part in parts {
        seconds = seconds * 60 + number(part)?;
    }
    Some(seconds * 1_000 + number(fraction)?)
}

fn stamp(time: u64) -> String {
    let seconds = time / 1_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!(
        "{hours:02}:{minutes:02}:{:02}.{:03}",
        seconds % 60,
        time % 1_000
    )
}

/// What stands outside of `<` and `>`.
fn without_tags(line: &str) -> String {
    let mut inside = false;
    line.chars()
        .filter(|&c| {
            let was = inside;
            inside = c == '<' || (inside && c != '>');
            !was && !inside
        })
        .collect()
}

#[cfg(test)]
mod tests;

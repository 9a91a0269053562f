//! Names and paths with placeholders: one meaning for the index, for changes and for the facts of the ledger.
//!
//! The case of letters does not matter: fold what is matched with [`folded`]. Placeholders are translated
//! into the syntax of regular expressions, so that matching takes linear time whatever somebody wrote.

/// One letter for all that differ from it by case only, in the sense of simple case folding (Unicode,
/// section 5.18): `ſ`, `s` and `S` are `s`, and the dotless `ı` is itself.
pub fn fold(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    // Three pairs of the same letter whose capitals are several letters.
    let letter = match letter {
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{fb05}' => '\u{fb06}',
        // Its capital is `I`, and yet it is another letter than `i` (Turkish, Azerbaijani).
        '\u{131}' => return letter,
        other => other,
    };
    let upper = single(letter.to_uppercase()).unwrap_or(letter);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let first = letters.next()?;
    letters.next().is_none().then_some(first)
}

/// `text`, folded.
pub fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// Whether `text` has placeholders.
pub fn has_placeholders(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The regular expression for folded paths that `glob` means.
///
/// Without a `/` it is the name of a file or of a folder above it; else it begins at any folder, or at the
/// root with a `/` before it. With a `/` behind it, it is a folder. `*` and `?` stay within a folder, `**`
/// does not.
pub fn path_pattern(glob: &str) -> String {
    let glob = glob.trim_start_matches("./");
    let is_below_root = glob.starts_with('/');
    let glob = glob.trim_start_matches('/');
    let (glob, is_folder) = match glob.strip_suffix('/') {
        Some(folder) => (folder, true),
        None => (glob, !glob.contains('/')),
    };
    let start = if is_below_root { "^" } else { "(?:^|/)" };
    let end = if is_folder { "(?:/|$)" } else { "$" };
    format!("{start}{}{end}", placeholders(glob, true))
}

/// The regular expression for folded names that `name` means: all of the name, with `*` and `?`.
pub fn name_pattern(name: &str) -> String {
    format!("^{}$", placeholders(name, false))
}

fn placeholders(text: &str, is_path: bool) -> String {
    let any = if is_path { "[^/]" } else { "." };
    let mut pattern = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("**/").filter(|_| is_path) {
            pattern.push_str("(?:.*/)?");
            rest = behind;
            continue;
        }
        if let Some(behind) = rest.strip_prefix("**") {
            pattern.push_str(".*");
            rest = behind;
            continue;
        }
        match letter {
            '*' => {
                pattern.push_str(any);
                pattern.push('*');
            }
            '?' => pattern.push_str(any),
            other => {
                if r"\.+()|[]{}^$#&-~".contains(other) {
                    pattern.push('\\');
                }
                pattern.push(fold(other));
            }
        }
        rest = &rest[letter.len_utf8()..];
    }
    pattern
}

#[cfg(test)]
mod tests;

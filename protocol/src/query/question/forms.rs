//! Forms of English words, as far as questions need them.

/// Forms that no ending makes, with the word that they are of.
const IRREGULAR: &[(&str, &str)] = &[
    ("been", "be"),
    ("came", "come"),
    ("did", "do"),
    ("done", "do"),
    ("fell", "fall"),
    ("fallen", "fall"),
    ("found", "find"),
    ("gone", "go"),
    ("got", "get"),
    ("had", "have"),
    ("has", "have"),
    ("held", "hold"),
    ("is", "be"),
    ("are", "be"),
    ("kept", "keep"),
    ("left", "leave"),
    ("made", "make"),
    ("people", "person"),
    ("ran", "run"),
    ("said", "say"),
    ("saw", "see"),
    ("seen", "see"),
    ("sent", "send"),
    ("took", "take"),
    ("was", "be"),
    ("went", "go"),
    ("were", "be"),
    ("wrote", "write"),
    ("written", "write"),
    ("broke", "break"),
    ("broken", "break"),
];

/// Whether `word` is a form of `base`: the word itself, with the endings of nouns and verbs, or irregular.
pub(super) fn is_form(word: &str, base: &str) -> bool {
    if let Some(ending) = word.strip_prefix(base)
        && matches!(ending, "" | "s" | "es" | "ed" | "ing")
    {
        return true;
    }
    // `change`, `changed`, `changing`; `modify`, `modified`; `submit`, `submitted`.
    let stem = &base[..base.len() - base.chars().last().map_or(0, char::len_utf8)];
    let ending = word.strip_prefix(stem).unwrap_or_default();
    let last = base.chars().last();
    let regular = match last {
        Some('e') => matches!(ending, "ed" | "ing"),
        Some('y') => matches!(ending, "ies" | "ied"),
        Some(last) => {
            let mut doubled = ending.chars();
            doubled.next() == Some(last)
                && doubled.next() == Some(last)
                && matches!(doubled.as_str(), "ed" | "ing")
        }
        None => false,
    };
    regular || IRREGULAR.contains(&(word, base))
}

#[cfg(test)]
mod tests {
    use super::is_form;

    #[test]
    fn forms_are_known_and_other_words_are_not() {
        for (word, base) in [
            ("changed", "change"),
            ("changing", "change"),
            ("changes", "change"),
            ("modified", "modify"),
            ("modifies", "modify"),
            ("submitted", "submit"),
            ("editing", "edit"),
            ("edited", "edit"),
            ("sent", "send"),
            ("touches", "touch"),
            ("people", "person"),
        ] {
            assert!(is_form(word, base), "{word} {base}");
        }
        for (word, base) in [
            ("changer", "change"),
            ("additional", "add"),
            ("address", "add"),
            ("newest", "new"),
            ("handoff", "hand"),
            ("opener", "open"),
            ("", "a"),
        ] {
            assert!(!is_form(word, base), "{word} {base}");
        }
    }
}

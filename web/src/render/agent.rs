//! What a browser calls itself (RFC 9110, section 10.1.5), in words.

/// What stands before the version, and the name; the first that is there counts, since most name others, too.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome without a window"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Version/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// For example `Firefox 141 on Linux`; as it is when it is no browser that is known.
pub fn browser(stated: &str) -> String {
    let found = BROWSERS.into_iter().find_map(|(mark, name)| {
        let (_, rest) = stated.split_once(mark)?;
        let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(format!("{name} {version}"))
    });
    let system = SYSTEMS.into_iter().find(|(mark, _)| stated.contains(mark));
    match (found, system) {
        (Some(found), Some((_, system))) => format!("{} on {system}", found.trim_end()),
        (Some(found), None) => found.trim_end().to_owned(),
        (None, _) => stated.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_named_and_programs_are_left_as_they_are() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (stated, words) in [
            (
                format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/156.0.0.0 Safari/537.36"),
                "Chrome 156 on Linux",
            ),
            (
                format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"),
                "Edge 140 on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:141.0) Gecko/20100101 Firefox/141.0".to_owned(),
                "Firefox 141 on macOS",
            ),
            (
                format!("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {webkit} Version/18.1 Safari/604.1"),
                "Safari 18 on iPhone",
            ),
            ("curl/8.5".to_owned(), "curl/8.5"),
            ("<b>".to_owned(), "<b>"),
        ] {
            assert_eq!(browser(&stated), words);
        }
    }
}

//! Types of files, by the ending of their names, as people ask for them: `type:code`, `type:pdf`.

/// Endings, the broad class, and names of the format.
const TYPES: &[(&str, &str, &str)] = &[
    ("rs", "code", "rust"),
    ("py pyi pyw", "code", "python"),
    ("js mjs cjs jsx", "code", "javascript"),
    ("ts tsx mts cts", "code", "typescript"),
    ("c h", "code", "c"),
    ("cc cpp cxx hpp hh hxx", "code", "cpp c++"),
    ("go", "code", "go"),
    ("java", "code", "java"),
    ("kt kts", "code", "kotlin"),
    ("cs", "code", "csharp c#"),
    ("rb", "code", "ruby"),
    ("php", "code", "php"),
    ("swift", "code", "swift"),
    ("scala", "code", "scala"),
    ("r", "code", "r"),
    ("jl", "code", "julia"),
    ("lua", "code", "lua"),
    ("pl pm", "code", "perl"),
    ("hs", "code", "haskell"),
    ("ex exs", "code", "elixir"),
    ("s asm", "code", "assembly"),
    ("sh bash zsh fish", "code", "shell script"),
    ("ps1", "code", "powershell script"),
    ("sql", "code", "sql"),
    ("css scss less", "code", "css"),
    ("html htm xhtml", "document", "html page"),
    ("vue svelte", "code", "component"),
    ("ipynb", "notebook", "notebook jupyter"),
    ("md markdown", "document", "markdown text"),
    ("txt", "document", "text"),
    ("rst adoc org tex", "document", "text"),
    ("pdf", "document", "pdf"),
    ("docx doc odt rtf", "document", "word docx"),
    ("xlsx xls xlsm ods", "table", "sheet excel spreadsheet xlsx"),
    ("csv", "table", "csv sheet spreadsheet"),
    ("tsv", "table", "tsv sheet spreadsheet"),
    ("parquet", "table", "parquet data"),
    (
        "pptx ppt odp",
        "document",
        "slides presentation powerpoint pptx",
    ),
    ("eml msg", "message", "email e-mail mail"),
    ("json", "data", "json"),
    ("jsonl ndjson", "data", "json jsonl log"),
    ("yaml yml", "data", "yaml"),
    ("toml", "data", "toml"),
    ("xml", "data", "xml"),
    (
        "ini cfg conf properties env",
        "data",
        "configuration config",
    ),
    ("log out err", "log", "logs"),
    ("diff patch", "code", "patch diff"),
    (
        "png jpg jpeg gif webp bmp tif tiff",
        "image",
        "picture images",
    ),
    ("svg", "image", "svg picture drawing"),
    ("mp3 wav ogg flac m4a opus", "audio", "sound"),
    ("mp4 mkv webm mov avi", "video", "film movie"),
    ("zip tar gz tgz xz bz2 zst 7z", "archive", "zip archives"),
    ("db sqlite sqlite3", "data", "database sqlite"),
];

/// The ending of a name, in lower case, without its dot.
pub(super) fn ending(name: &str) -> Option<String> {
    let (start, ending) = name.rsplit_once('.')?;
    let is_ending = !start.is_empty() && (1..=16).contains(&ending.len());
    is_ending.then(|| ending.to_lowercase())
}

/// What is said of a file of this name: the broad class first, then other words. Nothing for an ending that says nothing.
pub(super) fn of_name(name: &str) -> Vec<&'static str> {
    let Some(ending) = ending(name) else {
        return of_whole_name(name);
    };
    let row = TYPES
        .iter()
        .find(|(endings, ..)| endings.split(' ').any(|known| known == ending));
    row.map_or_else(Vec::new, |(endings, class, words)| {
        let known = endings.split(' ').filter(|known| *known == ending);
        let mut types = vec![*class];
        for word in words.split(' ').chain(known) {
            if !types.contains(&word) {
                types.push(word);
            }
        }
        types
    })
}

fn of_whole_name(name: &str) -> Vec<&'static str> {
    match name.to_lowercase().as_str() {
        "makefile" | "dockerfile" | "rakefile" | "gemfile" | "justfile" => vec!["code", "script"],
        "readme" | "license" | "changelog" | "authors" | "notice" | "copying" => {
            vec!["document", "text"]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_files_are() {
        assert_eq!(of_name("main.rs"), ["code", "rust", "rs"]);
        assert_eq!(of_name("Report.PDF"), ["document", "pdf"]);
        assert_eq!(of_name("Makefile"), ["code", "script"]);
        assert_eq!(of_name(".gitignore"), Vec::<&str>::new());
        assert_eq!(of_name("x.unheard"), Vec::<&str>::new());
    }

    #[test]
    fn no_ending_stands_in_two_rows() {
        let mut seen = std::collections::BTreeSet::new();
        for (endings, ..) in TYPES {
            for ending in endings.split(' ') {
                assert!(seen.insert(ending), "{ending}");
            }
        }
    }
}

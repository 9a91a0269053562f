//! Captions of both formats, and what a hostile file leaves in them.

use super::*;

#[test]
fn times_and_words_are_taken_and_nothing_else() {
    let vtt = "\u{feff}WEBVTT\n\nSTYLE\n::cue { background: url(//evil.example) }\n\nNOTE x --> y\n\n\
        intro\n00:01.000 --> 00:02.500 position:10%\n<v Ada>Good <b>morning</b>\n<00:01.500>all\n\n\
        00:03.000 --> 00:02.000\nbackwards\n\n1:00:00.000 --> 1:00:01.000\n\u{202e}hidden\n";
    assert_eq!(
        captions(vtt).as_deref(),
        Some(
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nGood morning\nall\n\
             \n01:00:00.000 --> 01:00:01.000\n‹U+202E›hidden\n"
        )
    );
    let srt =
        "1\r\n00:00:01,000 --> 00:00:02,000\r\n<font color=red>Hello & welcome</font>\r\n\r\n";
    assert_eq!(
        captions(srt).as_deref(),
        Some("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello & welcome\n")
    );
}

#[test]
fn what_has_no_captions_has_none() {
    for text in [
        "",
        "WEBVTT\n\n",
        "<script>",
        "a --> b\nc",
        "1:2 --> 1:3\nx",
        "00:01.000 --> 00:02.000\n<b>\n",
    ] {
        assert_eq!(captions(text), None, "{text}");
    }
}

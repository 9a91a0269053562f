//! Tests of `settings`.

use super::*;

#[test]
fn a_public_url_is_an_origin_and_nothing_more() {
    let url: PublicUrl = "https://Review.Example.org:443/".parse().unwrap();
    assert_eq!(url.origin(), "https://review.example.org");
    let url: PublicUrl = "http://host:8080".parse().unwrap();
    assert_eq!(
        (url.https, url.origin().as_str()),
        (false, "http://host:8080")
    );
    for bad in [
        "",
        "host",
        "ftp://host",
        "https://host/path",
        "https://a@host",
        "https://h/?q",
    ] {
        assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
    }
}

//! What is kept of a page is what would be rendered.

use serde::Serialize;

use super::*;
use crate::pages::QueueRow;

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Nothing(usize);

impl Page for Nothing {
    const TEMPLATE: &'static str = "no-such-template.html";

    fn samples() -> Vec<Self> {
        Vec::new()
    }
}

#[test]
fn what_is_kept_is_what_is_rendered_and_bounded() {
    let templates = Templates::embedded();
    let fragments = Fragments::default();
    let rows = QueueRow::samples();
    assert!(rows.len() > 3);
    for row in rows.iter().chain(&rows) {
        let kept = fragments.rendered(row.clone(), &templates).unwrap();
        assert!(kept.is_safe());
        assert_eq!(kept.as_str(), Some(&*templates.render(row).unwrap()));
    }
    let known = fragments.held().len();
    assert!(known > 3 && known <= rows.len(), "{known}");
    for at in 0..MOST {
        let other = rows[0].numbered(at);
        fragments.held().insert(other, Value::from(""));
    }
    let another = rows[0].numbered(MOST);
    fragments.rendered(another, &templates).unwrap();
    assert_eq!(fragments.held().len(), 1);
    // What cannot be rendered is not kept.
    let broken = Fragments::default();
    assert!(broken.rendered(Nothing(1), &templates).is_err());
    assert!(broken.held().is_empty());
}

//! What `serve` says when it is ready.

use super::{Output, Shared};
use crate::{
    app::Started,
    cli::serve::{lines, object},
};

#[test]
fn only_a_terminal_is_shown_the_link_that_signs_in() {
    let started = Started {
        url: "http://127.0.0.1:7420".to_owned(),
        start_link: "http://127.0.0.1:7420/start?t=secret".to_owned(),
        workspaces: Vec::new(),
        refused: Vec::new(),
    };
    for terminal in [true, false] {
        let written = Shared::default();
        let mut out = Output::to(Box::new(written.clone()), Box::new(written.clone()));
        out.terminal = terminal;
        lines(&started, &mut out, None);
        let text = written.text();
        assert_eq!(text.contains("secret"), terminal, "{text}");
        assert!(text.contains("`countersign open`"), "{text}");
        let object = object(&started, &out).to_string();
        assert_eq!(object.contains("secret"), terminal, "{object}");
    }
}

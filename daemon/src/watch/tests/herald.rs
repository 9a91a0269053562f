//! What is hinted on the thread that hears of it.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex};

use notify::event::{CreateKind, ModifyKind, RenameMode};
use notify::{Event, EventHandler, EventKind};

use super::super::sensor::{Herald, Message, Sink};
use super::super::{Hint, Root};

#[test]
fn a_document_that_is_renamed_into_place_is_hinted_before_anybody_else_is_woken() {
    let folder = tempfile::tempdir().expect("a folder");
    let (sender, hints) = channel();
    let sender = Mutex::new(sender);
    let herald = Herald::new(Box::new(move |hint| {
        let _ = sender.lock().expect("a sender").send(hint);
    }));
    for (workspace, path) in [("outer", ""), ("inner", "nested")] {
        let path = folder.path().join(path);
        let workspace = workspace.into();
        herald.add(Root { workspace, path });
    }
    let (messages, inlet) = sync_channel(9);
    let mut sink = Sink::new(messages, Arc::new(herald));
    let mut say = |kind: EventKind, name: &str| {
        let path = folder.path().join(name);
        sink.handle_event(Ok(Event::new(kind).add_path(path)));
        // Nobody reads the messages, so what is hinted is hinted by the sink.
        let Ok(Message::Change(change)) = inlet.try_recv() else {
            panic!("{name}: the loop hears of it too");
        };
        assert_eq!(
            change.hinted.is_some(),
            hints.try_recv().is_ok_and(|hint| {
                let told = Hint::Arrived {
                    workspace: "inner".into(),
                    file: Path::new("run/handoff.json").to_owned(),
                };
                assert_eq!(hint, told);
                true
            })
        );
        change.hinted.is_some()
    };
    let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
    fs::create_dir_all(folder.path().join("nested/run")).expect("a folder");
    fs::write(folder.path().join("nested/run/handoff.json"), "{}").expect("a document");
    assert!(say(renamed, "nested/run/handoff.json"));
    // Made in place it may not be finished; the loop waits for its end.
    assert!(!say(
        EventKind::Create(CreateKind::File),
        "nested/run/handoff.json"
    ));
    for other in ["approved/H-1", ".staging/a", "nested/notes.md", "gone"] {
        fs::create_dir_all(folder.path().join(other).join("handoff.json")).expect("folders");
        assert!(!say(renamed, &format!("{other}/handoff.json")), "{other}");
    }
    assert!(!say(renamed, "nested/run"), "no document");
}

//! What is asked of the kernel, and what is made of its answers.

use super::*;
use notify::event::{CreateKind, Flag};

#[test]
fn a_rescan_flag_is_seen_though_the_event_names_no_path() {
    let event = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    assert!(matches!(translate(Ok(event)), Some(Message::Lost(_))));
}

#[test]
fn reads_say_nothing_and_a_closed_writer_does() {
    let access = |kind| {
        translate(Ok(
            Event::new(EventKind::Access(kind)).add_path("/w/handoff.json".into())
        ))
    };
    assert!(access(AccessKind::Open(AccessMode::Any)).is_none());
    assert!(access(AccessKind::Close(AccessMode::Read)).is_none());
    assert!(matches!(
        access(AccessKind::Close(AccessMode::Write)),
        Some(Message::Change(Change {
            kind: ChangeKind::Closed,
            ..
        }))
    ));
}

#[test]
fn the_kernel_is_not_asked_for_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (file, mark) = (folder.path().join("a"), folder.path().join("mark"));
    std::fs::write(&file, "words").unwrap();
    let (tell, heard) = std::sync::mpsc::channel();
    let tell = move |event: notify::Result<Event>| drop(tell.send(event));
    let mut watcher = RecommendedWatcher::new(tell, config()).unwrap();
    watcher
        .watch(folder.path(), RecursiveMode::NonRecursive)
        .unwrap();
    std::fs::read(&file).unwrap();
    std::fs::write(&mark, "words").unwrap();
    let mut kinds = Vec::new();
    while !kinds.contains(&EventKind::Access(AccessKind::Close(AccessMode::Write))) {
        let event = heard.recv_timeout(std::time::Duration::from_secs(30));
        let event = event.expect("the writer was closed").unwrap();
        assert_eq!(event.paths, std::slice::from_ref(&mark), "{event:?}");
        assert!(!matches!(
            event.kind,
            EventKind::Access(AccessKind::Open(_))
        ));
        kinds.push(event.kind);
    }
}

#[test]
fn many_are_watched_at_once_up_to_the_first_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let below = |name: &str| folder.path().join(name);
    for name in ["a", "b", "d"] {
        std::fs::create_dir(below(name)).unwrap();
    }
    let (messages, _inlet) = std::sync::mpsc::sync_channel(100);
    let sink = Sink::new(messages, Arc::new(Herald::new(Box::new(|_| ()))));
    let mut sensor = Sensor::new(Box::new(open), sink);
    let names = |names: &[&str]| names.iter().map(|name| below(name)).collect();
    assert_eq!(sensor.watch_all(names(&["a", "b", "c", "d"])), 2);
    assert_eq!(sensor.watch_all(names(&["c", "d"])), 0);
    assert_eq!(sensor.watch_all(names(&["d", "a"])), 2);
    assert!(matches!(sensor.watch(&below("c")), Err(Refusal::Absent)));
}

#[test]
fn a_name_that_was_renamed_here_is_told_from_one_that_was_made_here() {
    let kind_of = |kind| match translate(Ok(Event::new(kind).add_path("/w/a".into()))) {
        Some(Message::Change(change)) => change.kind,
        other => panic!("{other:?}"),
    };
    let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
    assert_eq!(kind_of(renamed), ChangeKind::Arrived);
    let made = EventKind::Create(CreateKind::File);
    assert_eq!(kind_of(made), ChangeKind::Appeared);
}

#[test]
fn what_does_not_fit_is_noted_as_lost() {
    let (messages, inlet) = std::sync::mpsc::sync_channel(1);
    let mut sink = Sink::new(messages, Arc::new(Herald::new(Box::new(|_| ()))));
    let made = || Ok(Event::new(EventKind::Create(CreateKind::File)).add_path("/w/a".into()));
    sink.handle_event(made());
    assert!(!sink.take_overflow());
    sink.handle_event(made());
    assert!(sink.take_overflow());
    assert!(!sink.take_overflow());
    assert_eq!(inlet.try_iter().count(), 1);
}

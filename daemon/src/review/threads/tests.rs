//! What is said is kept, follows the work, and reaches the agent.

use countersign_protocol::{
    Digest, HandoffId,
    decision::Outcome,
    place::{Cell, Place, Region},
};
use countersign_web::desk::{
    Answer, Caller, Desk as _, DeskError, Review,
    threads::{Remark, Standing, ThreadsDesk as _},
};

use crate::testing::{Rig, handoff, maya};

const ONE: HandoffId = HandoffId(1);
const FIRST: &str = "a\nb\nc\nd\ne\n";

fn waiting() -> Rig {
    let rig = Rig::new();
    rig.write("a.txt", FIRST);
    rig.write("t.csv", "id,amount\n1,2\n");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt", "t.csv"]));
    rig
}

fn at(path: &str, line: Option<u32>, end_line: Option<u32>) -> Place {
    Place {
        path: Some(path.to_owned()),
        line,
        end_line,
        ..Place::default()
    }
}

fn remark(place: Place, text: &str) -> Remark {
    Remark {
        revision: None,
        place,
        text: text.to_owned(),
    }
}

fn me() -> Caller {
    Caller::Person(maya())
}

fn review(rig: &Rig) -> Review {
    rig.wait(rig.desk().review(&me(), ONE, None, None)).unwrap()
}

#[test]
fn drafts_outlive_a_restart_and_go_with_the_answer_once() {
    let mut rig = waiting();
    let desk = rig.desk();
    let place = at("a.txt", Some(2), Some(3));
    let maya = maya();
    let kept = desk.keep_draft(&maya, ONE, None, remark(place.clone(), "Why two?"));
    let name = rig.wait(kept).unwrap();
    let other = desk.keep_draft(&maya, ONE, None, remark(Place::default(), "x"));
    let other = rig.wait(other).unwrap();
    let entries = rig.events().len();
    rig.restart();
    let desk = rig.desk();
    // A draft is nobody else's, and no fact.
    let sam = countersign_web::desk::Person {
        id: "local:sam".to_owned(),
        ..maya.clone()
    };
    assert_eq!(rig.wait(desk.unsent(&sam, ONE)).unwrap(), 0);
    assert_eq!(rig.events().len(), entries);
    let other_words = remark(Place::default(), "Why three?");
    rig.wait(desk.keep_draft(&maya, ONE, Some(&name), other_words))
        .unwrap();
    rig.wait(desk.drop_draft(&maya, ONE, &other)).unwrap();
    let drafts = review(&rig).drafts;
    assert_eq!(drafts.len(), 1);
    assert_eq!(
        (drafts[0].text.as_str(), drafts[0].place.line),
        ("Why three?", Some(2))
    );

    let answer = Answer {
        comment: None,
        ..rig.answer(ONE, Outcome::ChangesRequested)
    };
    let decision = rig.wait(desk.decide(&maya, ONE, answer.clone())).unwrap();
    let decision = decision.decision().unwrap();
    let [request] = &decision.requests[..] else {
        panic!("{decision:?}");
    };
    assert_eq!(request.place().end_line, Some(3));
    assert_eq!(request.sha256, Some(Digest::of(FIRST.as_bytes())));
    assert_eq!((request.id.as_str(), request.thread), ("q1", Some(1)));
    // A second click sends nothing a second time, and finds the first answer.
    let again = rig.wait(desk.decide(&maya, ONE, answer)).unwrap();
    assert_eq!(again.decision(), Some(decision));
    assert!(review(&rig).drafts.is_empty());
    rig.round();
    let written = rig.json("decision.json");
    assert_eq!(written["requests"][0]["end_line"], 3);
    assert!(
        rig.text("feedback.md")
            .unwrap()
            .contains("`a.txt` lines 2 to 3: Why three?")
    );
}

#[test]
fn a_thread_follows_its_lines_to_the_next_revision() {
    let rig = waiting();
    let desk = rig.desk();
    let cell = Place {
        cell: Some(Cell {
            sheet: None,
            row: 1,
            column: Some("amount".to_owned()),
        }),
        ..at("t.csv", None, None)
    };
    for place in [
        at("a.txt", Some(4), Some(5)),
        at("a.txt", Some(2), None),
        at("a.txt", None, None),
        cell,
        Place::default(),
    ] {
        rig.wait(desk.say(&me(), ONE, remark(place, "Hm.")))
            .unwrap();
    }
    for place in [at("b.txt", None, None), at("a.txt", Some(0), None)] {
        let told = rig.wait(desk.say(&me(), ONE, remark(place, "Hm.")));
        assert!(matches!(told, Err(DeskError::Invalid { .. })), "{told:?}");
    }
    rig.write("a.txt", "new\na\nB\nc\nd\ne\n");
    rig.write("t.csv", "id,amount\n1,3\n");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt", "t.csv"]));
    let landed = |rig: &Rig| -> Vec<_> {
        let threads = review(rig).threads.into_iter();
        threads
            .map(|row| (row.now.standing, row.now.line, row.now.end_line))
            .collect()
    };
    assert_eq!(
        landed(&rig),
        [
            (Standing::Here, Some(5), Some(6)),
            (Standing::Changed, Some(3), None),
            (Standing::Here, None, None),
            (Standing::Changed, None, None),
            (Standing::Here, None, None),
        ]
    );
    rig.write("moved.txt", FIRST);
    rig.deliver("handoff.json", handoff("Write it", &["moved.txt"]));
    let threads = review(&rig).threads;
    assert_eq!(threads[0].now.path.as_deref(), Some("moved.txt"));
    assert_eq!(threads[0].now.line, Some(4));
    assert_eq!(threads[3].now.standing, Standing::Gone);
}

#[test]
fn remarks_follow_a_file_that_is_renamed_after_or_with_a_change() {
    let rig = Rig::new();
    let lines: Vec<String> = (1..=20).map(|number| format!("line {number}\n")).collect();
    let base = lines.concat();
    let deliver = |path: &str, text: &str| {
        rig.write(path, text);
        rig.deliver("handoff.json", handoff("Write it", &[path]));
    };
    deliver("a.txt", &base);
    let me = me();
    let place = || remark(at("a.txt", Some(10), None), "Hm.");
    rig.wait(rig.desk().say(&me, ONE, place())).unwrap();
    let maya = maya();
    rig.wait(rig.desk().keep_draft(&maya, ONE, None, place()))
        .unwrap();
    let longer = format!("new\n{base}");
    deliver("a.txt", &longer);
    deliver("moved/b.txt", &longer);
    deliver("moved/c.txt", &format!("newer\n{longer}end\n"));
    let page = review(&rig);
    assert_eq!(page.revision, 4);
    for now in [&page.threads[0].now, &page.drafts[0].now] {
        assert_eq!(now.standing, Standing::Here);
        assert_eq!(now.path.as_deref(), Some("moved/c.txt"));
        assert_eq!(now.line, Some(12));
    }
    // The agent reads where it is now.
    let changes = rig.answer(ONE, Outcome::ChangesRequested);
    let decided = rig.wait(rig.desk().decide(&maya, ONE, changes)).unwrap();
    let request = &decided.decision().unwrap().requests[0];
    assert_eq!(request.path.as_deref(), Some("moved/c.txt"));
    assert_eq!(request.line, Some(12));
    deliver("d.txt", "another text altogether\n");
    assert_eq!(review(&rig).threads[0].now.standing, Standing::Gone);
}

#[test]
fn what_is_open_reaches_the_agent_and_what_is_resolved_does_not() {
    let rig = waiting();
    let me = me();
    let desk = rig.desk();
    let said = desk.say(&me, ONE, remark(at("a.txt", Some(1), None), "Is a right?"));
    assert_eq!(rig.wait(said).unwrap(), 1);
    let said = desk.say(&me, ONE, remark(Place::default(), "Settled\n# early"));
    assert_eq!(rig.wait(said).unwrap(), 2);
    let agent = Caller::Agent(countersign_web::desk::Agent {
        token: "t".to_owned(),
        agent: "hermes".to_owned(),
        workspaces: vec![crate::testing::WORKSPACE.to_owned()],
    });
    rig.wait(desk.reply(&agent, ONE, 1, "It is.".to_owned()))
        .unwrap();
    let missing = rig.wait(desk.reply(&agent, ONE, 9, "?".to_owned()));
    assert!(
        matches!(missing, Err(DeskError::NotFound(_))),
        "{missing:?}"
    );
    for _ in 0..2 {
        rig.wait(desk.resolve(&maya(), ONE, 2, true)).unwrap();
    }
    rig.wait(desk.resolve(&maya(), ONE, 1, true)).unwrap();
    rig.wait(desk.resolve(&maya(), ONE, 1, false)).unwrap();
    assert_eq!(rig.count("thread.resolved"), 2);
    assert_eq!(rig.card().open_threads(), 1);
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.round();
    let written = rig.json("decision.json");
    assert_eq!(written["threads"].as_array().unwrap().len(), 1);
    assert_eq!(written["threads"][0]["said"][1]["by"], "hermes");
    let feedback = rig.text("feedback.md").unwrap();
    assert!(
        feedback.contains("- Thread 1, revision 1: `a.txt` line 1:"),
        "{feedback}"
    );
    assert!(!feedback.contains("Settled"), "{feedback}");
    // What is said later does not change what was written.
    let before = rig.desk().wait(&me, ONE, None, std::time::Duration::ZERO);
    let before = rig.wait(before).unwrap().decision;
    rig.wait(desk.resolve(&maya(), ONE, 1, true)).unwrap();
    let after = rig.desk().wait(&me, ONE, None, std::time::Duration::ZERO);
    assert_eq!(rig.wait(after).unwrap().decision, before);
}

#[test]
fn a_tick_is_gone_when_the_bytes_change() {
    let mut rig = waiting();
    let bytes = Digest::of(FIRST.as_bytes());
    rig.wait(rig.desk().tick(&maya(), ONE, bytes, true))
        .unwrap();
    rig.restart();
    let viewed = |review: &Review| {
        let file = review.files.iter().find(|file| file.path == "a.txt");
        review.viewed.contains(&file.unwrap().sha256)
    };
    assert!(viewed(&review(&rig)));
    rig.write("a.txt", "other\n");
    rig.deliver("handoff.json", handoff("Write it", &["a.txt", "t.csv"]));
    assert!(!viewed(&review(&rig)));
    rig.wait(rig.desk().tick(&maya(), ONE, bytes, false))
        .unwrap();
    assert!(review(&rig).viewed.is_empty());
    let none = rig.wait(rig.desk().tick(&maya(), ONE, Digest::ZERO, true));
    assert!(matches!(none, Err(DeskError::NotFound(_))), "{none:?}");
}

#[test]
fn words_are_quoted_as_they_stand_and_say_their_lines_to_the_agent() {
    let rig = waiting();
    let desk = rig.desk();
    let quote = |words: &str, line| Place {
        quote: Some(words.to_owned()),
        ..at("a.txt", line, None)
    };
    for place in [quote("z", None), quote("b", Some(3)), quote("b\nd", None)] {
        let told = rig.wait(desk.keep_draft(&maya(), ONE, None, remark(place, "Hm.")));
        assert!(matches!(told, Err(DeskError::Invalid { .. })), "{told:?}");
    }
    let place = quote("c\nd", None);
    rig.wait(desk.keep_draft(&maya(), ONE, None, remark(place, "Why?")))
        .unwrap();
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.round();
    let request = &rig.json("decision.json")["requests"][0];
    assert_eq!(
        (&request["line"], &request["end_line"], &request["quote"]),
        (&3.into(), &4.into(), &"c\nd".into())
    );
    // A line above it moves the words down, and what was said of them follows.
    rig.write("a.txt", format!("new\n{FIRST}"));
    rig.deliver("handoff.json", handoff("Write it", &["a.txt", "t.csv"]));
    let row = review(&rig).threads.remove(0);
    assert_eq!((row.now.line, row.now.end_line), (Some(4), Some(5)));
}

#[test]
fn a_region_of_a_picture_reaches_the_agent_as_it_was_drawn() {
    let rig = waiting();
    let region = Region {
        x: 10,
        y: 20,
        width: 64,
        height: 32,
    };
    let place = Place {
        region: Some(region),
        ..at("t.csv", None, None)
    };
    let desk = rig.desk();
    rig.wait(desk.keep_draft(&maya(), ONE, None, remark(place, "Too dark")))
        .unwrap();
    rig.decide(ONE, Outcome::ChangesRequested).unwrap();
    rig.round();
    assert_eq!(
        rig.json("decision.json")["requests"][0]["region"],
        serde_json::json!({ "x": 10, "y": 20, "width": 64, "height": 32 })
    );
    let words = rig.text("feedback.md").unwrap();
    assert!(
        words.contains("region 10, 20, 64 by 32: Too dark"),
        "{words}"
    );
}

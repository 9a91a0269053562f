//! Mail, to servers that take it, refuse it, forget to answer, or are not what they should be.

use std::{collections::BTreeSet, sync::Arc};

use countersign_tests::{
    agent::{Care, put},
    bed::TestBed,
    certificates::Authority,
    smtp::{Mail, Manner, PASSWORD, Security, Smtp},
    timeshift::Timeshift,
    wait,
};

use super::scene::{
    ask, assign, fares, hand_over, hand_over_with, head, messages, path_of, person, post_form,
};

fn scene(smtp: &Smtp) -> TestBed {
    let text = smtp.section("") + &person("maya", "Maya Okafor") + &ask("maya");
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    bed
}

#[test]
fn mail_about_a_handoff_is_one_thread_that_programs_and_people_can_read() {
    let smtp = Smtp::kind();
    let bed = scene(&smtp);
    let (id, _) = hand_over(&bed, "q3", "Draft the Q3 risk summary");
    smtp.takes(1);
    assign(&bed, id, "maya");
    let [first, second] = &smtp.takes(2)[..] else {
        panic!("{:#?}", smtp.all());
    };
    for mail in [first, second] {
        assert_eq!(mail.to, "maya@example.org");
        assert_eq!(mail.header("to"), "\"Maya Okafor\" <maya@example.org>");
        assert_eq!(mail.header("from"), "Countersign <countersign@example.org>");
        let root = format!("<{id}@example.org>");
        assert_eq!(mail.header("references"), root);
        assert_eq!(mail.header("in-reply-to"), root);
        assert_eq!(mail.header("auto-submitted"), "auto-generated");
        assert_eq!(mail.header("x-auto-response-suppress"), "All");
        assert_eq!(mail.header("list-id"), "<handoffs.example.org>");
        assert_eq!(mail.header("x-handoff-id"), id.to_string());
        assert_eq!(mail.header("x-handoff-risk"), "low");
        assert_eq!(
            mail.header("list-unsubscribe-post"),
            "List-Unsubscribe=One-Click"
        );
        let stop = mail.header("list-unsubscribe");
        let stop = stop.trim_matches(['<', '>']);
        assert!(path_of(&bed, stop).starts_with("/mail/stop?t="), "{stop}");
        let (_, text, html) = mail.parts();
        let page = format!("{}/h/{id}", bed.endpoint().url);
        for part in [&text, &html] {
            assert!(part.contains("Draft the Q3 risk summary"), "{part}");
            assert!(
                part.contains("figures.md") && part.contains(&page),
                "{part}"
            );
        }
        for never in ["<script", "<img", "src=", "# Draft"] {
            assert!(!mail.text.contains(never), "{never}");
        }
        assert!(html.contains("<table") && !text.contains('<'), "{text}");
    }
    let ids = (first.header("message-id"), second.header("message-id"));
    assert!(ids.0.starts_with(&format!("<{id}.r1.turn.msg_")), "{ids:?}");
    assert!(
        ids.1.starts_with(&format!("<{id}.r1.escalated.msg_")),
        "{ids:?}"
    );
    assert_eq!(first.parts().0, "Your turn: Draft the Q3 risk summary");
    assert!(second.parts().0.starts_with("Now yours: Draft the Q3"));
    smtp.stop();
}

#[test]
fn one_click_ends_mail_to_one_person_and_changes_nothing_else() {
    let smtp = Smtp::kind();
    let text = smtp.section("")
        + &person("maya", "Maya Okafor")
        + &person("sam", "Sam Ito")
        + "[[group]]\nid = \"both\"\nmembers = [\"maya\", \"sam\"]\n"
        + &ask("group:both");
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    let (id, _) = hand_over(&bed, "q3", "Draft the Q3 risk summary");
    let mails = smtp.takes(2);
    let maya = mails.iter().find(|mail| mail.to == "maya@example.org");
    let stop = maya.expect("one to each").header("list-unsubscribe");
    let path = path_of(&bed, stop.trim_matches(['<', '>'])).to_owned();
    fares(&bed, id, "sent");
    let (row, before) = (bed.reviewer().row(id), head(&bed));
    let stranger = bed.stranger();
    // A scanner follows the link; that is not the click.
    for method in ["GET", "HEAD"] {
        let reply = stranger.send(method, &path, &[], &[]).expect("an answer");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("set-cookie"), None);
    }
    assert_eq!(head(&bed), before);
    let click = post_form(&stranger, &path, "List-Unsubscribe=One-Click", None);
    assert_eq!(click.status, 200, "{}", click.text());
    assert_eq!(head(&bed), before + 1, "one fact");
    let newest = bed
        .http()
        .fetch("/api/v1/activity?limit=1")
        .expect(200)
        .json();
    assert_eq!(newest[0]["event"], "mail.stopped", "{newest}");
    assert_eq!(bed.reviewer().row(id), row, "the card is as it was");
    // Once more changes nothing more, and a link that somebody made up does nothing at all.
    post_form(&stranger, &path, "List-Unsubscribe=One-Click", None);
    let forged = post_form(
        &stranger,
        &format!("{path}x"),
        "List-Unsubscribe=One-Click",
        None,
    );
    assert_eq!((forged.status, head(&bed)), (404, before + 1));
    assign(&bed, id, "group:both");
    let third = smtp.takes(3);
    assert_eq!(third[2].to, "sam@example.org");
    fares(&bed, id, "sent");
    let to_maya = || {
        smtp.all()
            .iter()
            .filter(|mail| mail.to == "maya@example.org")
            .count()
    };
    assert_eq!(to_maya(), 1, "it stays stopped");
    // It can be taken back on the page of the same link.
    assert_eq!(post_form(&stranger, &path, "wish=resume", None).status, 200);
    assign(&bed, id, "maya");
    // Sam hears that others are asked now, in whichever order the two leave.
    smtp.takes(5);
    assert_eq!(to_maya(), 2);
    smtp.stop();
}

#[test]
fn mail_leaves_through_tls_that_our_authority_vouches_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::make(folder.path());
    for security in [Security::StartTls, Security::Tls] {
        let smtp = Smtp::start(
            security,
            Some(authority.clone()),
            Arc::new(|_| Manner::Take),
        );
        let signed = "username = \"countersign\"\npassword = { env = \"SMTP_PASSWORD\" }";
        let text = smtp.section(signed) + &person("maya", "Maya Okafor") + &ask("maya");
        let mut bed = TestBed::prepare()
            .configured(&text)
            .env("SMTP_PASSWORD", PASSWORD);
        bed.up();
        hand_over(&bed, "q3", "Draft the Q3 risk summary");
        let mails = smtp.takes(1);
        assert!(mails[0].secured, "{security:?}");
        let signed_in = ("countersign".to_owned(), PASSWORD.to_owned());
        assert_eq!(mails[0].signed_in, Some(signed_in), "{security:?}");
        smtp.stop();
    }
}

/// What `notify ls` says of mail once it fails.
fn fails(bed: &TestBed) -> String {
    wait::until("mail to fail", || {
        let (_, output, _) = bed.run(&["notify", "ls"]);
        output.contains("failing").then_some(output)
    })
}

#[test]
fn mail_is_kept_back_from_a_server_that_nobody_vouches_for_or_that_has_no_tls() {
    let (ours, theirs) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    let (ours, theirs) = (Authority::make(ours.path()), Authority::make(theirs.path()));
    let take = || Arc::new(|_| Manner::Take);
    let strange = Smtp::start(Security::StartTls, Some(theirs.clone()), take());
    let clear = Smtp::start(Security::None, None, take());
    for (smtp, section, why) in [
        (
            &strange,
            strange.section("").replace(
                &theirs.ca.display().to_string(),
                &ours.ca.display().to_string(),
            ),
            "certificate",
        ),
        (
            &clear,
            clear.section("").replace("tls = \"off\"\n", ""),
            "STARTTLS",
        ),
    ] {
        let text = section + &person("maya", "Maya Okafor") + &ask("maya");
        let mut bed = TestBed::prepare().configured(&text);
        bed.up();
        let (id, _) = hand_over(&bed, "q3", "Draft the Q3 risk summary");
        let said = fails(&bed);
        assert!(said.contains(why), "{said}");
        fares(&bed, id, "retrying");
        assert!(smtp.all().is_empty(), "nothing leaves: {:?}", smtp.all());
        smtp.stop();
    }
}

#[test]
fn a_wrong_password_is_no_fault_of_the_mail() {
    let smtp = Smtp::kind();
    let signed = "username = \"countersign\"\npassword = { env = \"SMTP_PASSWORD\" }";
    let text = smtp.section(signed) + &person("maya", "Maya Okafor") + &ask("maya");
    let mut bed = TestBed::prepare()
        .configured(&text)
        .env("SMTP_PASSWORD", "wrong");
    bed.up();
    let (id, _) = hand_over(&bed, "q3", "Draft the Q3 risk summary");
    let said = fails(&bed);
    assert!(said.contains("535"), "{said}");
    fares(&bed, id, "retrying");
    let all = messages(&bed, id);
    assert!(
        all[0]["said"]
            .as_str()
            .is_some_and(|said| said.contains("535")),
        "its page says why: {all:#?}"
    );
    smtp.stop();
}

/// Eight people are told of one thing while the server does its worst.
#[test]
fn a_server_that_does_its_worst_loses_and_doubles_nothing() {
    let manners = |number: usize| match number {
        0 => Manner::Say("451 4.3.0 try later"),
        1 => Manner::Say("550 5.1.1 no such mailbox"),
        2 => Manner::Cut,
        3 => Manner::Babble,
        4 => Manner::Wait,
        5 => Manner::Say("421 4.7.0 too busy"),
        6 => Manner::Say("452 4.3.1 disk full"),
        _ => Manner::Take,
    };
    let smtp = Smtp::start(Security::None, None, Arc::new(manners));
    let ids: Vec<String> = (1..=8).map(|number| format!("p{number}")).collect();
    let members: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    let people: String = ids.iter().map(|id| person(id, id)).collect();
    let group = format!(
        "[[group]]\nid = \"all\"\nmembers = [{}]\n",
        members.join(", ")
    );
    let text = smtp.section("") + &people + &group + &ask("group:all");
    let mut bed = TestBed::prepare().configured(&text);
    let clock = Timeshift::of(&mut bed);
    bed.up();
    let (id, _) = hand_over(&bed, "q3", "Draft the Q3 risk summary");
    let reached = |smtp: &Smtp| -> BTreeSet<String> {
        smtp.taken().into_iter().map(|mail| mail.to).collect()
    };
    let states = |bed: &TestBed, state: &str| {
        let all = messages(bed, id);
        all.iter().filter(|one| one["state"] == state).count()
    };
    // Everything is tried once; the slow one holds nobody else up.
    wait::until("all to be tried", || {
        let over = ["sent", "retrying", "failed"].map(|state| states(&bed, state));
        (over.iter().sum::<usize>() == 7).then_some(())
    });
    smtp.go_on();
    wait::until("the slow one", || (states(&bed, "owed") == 0).then_some(()));
    for later in ["+10m", "+1h"] {
        clock.set(later);
        // kill -9, in the middle of whatever there is.
        bed.restart();
        wait::until("what was put off", || {
            let tried = states(&bed, "sent") + states(&bed, "failed") + states(&bed, "retrying");
            (tried == 8).then_some(())
        });
    }
    wait::until("everybody else", || {
        (states(&bed, "sent") == 7).then_some(())
    });
    assert_eq!(states(&bed, "failed"), 1, "{:#?}", messages(&bed, id));
    let refused = messages(&bed, id)
        .into_iter()
        .find(|one| one["state"] == "failed")
        .expect("the one with 550");
    let said = refused["said"].as_str().unwrap_or_default();
    assert!(
        said.contains("550") && said.contains("no such mailbox"),
        "{said}"
    );
    // The mailbox is there now, and a person says so.
    let (code, output, errors) = bed.run(&["notify", "redrive", "mail"]);
    assert_eq!(code, 0, "{output}{errors}");
    wait::until("the last one", || (states(&bed, "sent") == 8).then_some(()));
    assert_eq!(reached(&smtp).len(), 8);
    // However often one came, it came under one id, and no id came to two people.
    let mut owners: Vec<(String, String)> = smtp
        .all()
        .iter()
        .map(|mail| (mail.to.clone(), mail.header("message-id")))
        .collect();
    owners.sort();
    owners.dedup();
    assert_eq!(owners.len(), 8, "{owners:#?}");
    smtp.stop();
}

/// The table of what may be told, on the way to the mail server.
#[test]
fn the_class_of_the_work_decides_what_a_mail_says() {
    const CLASSES: [&str; 4] = ["public", "internal", "confidential", "restricted"];
    let smtp = Smtp::kind();
    let people = CLASSES.map(|class| person(class, class)).concat();
    let route = |class: &str| {
        format!("[[route]]\nname = \"of-{class}\"\nclass = [\"{class}\"]\nto = [\"{class}\"]\n")
    };
    let text = smtp.section("") + &people + &CLASSES.map(route).concat();
    let mut bed = TestBed::prepare().configured(&text);
    // Of the class of the workspace and the stated one the stricter holds.
    put(
        &bed.workspace().join("workspace.toml"),
        b"class = \"public\"\n",
        Care::Rename,
    )
    .expect("the scene can be set");
    bed.up();
    for class in CLASSES {
        hand_over_with(&bed, class, "Zebra crossings", |package| {
            package.with("classification", class)
        });
    }
    let mails = smtp.takes(4);
    let of = |class: &str| -> &Mail {
        let to = format!("{class}@example.org");
        mails
            .iter()
            .find(|mail| mail.to == to)
            .expect("one for each class")
    };
    for (class, subject, told, links) in [
        ("public", "Your turn: Zebra crossings", true, true),
        ("internal", "Your turn: Zebra crossings", true, true),
        ("confidential", "needs you (report-writer)", false, false),
        ("restricted", "A handoff needs you", false, false),
    ] {
        let mail = of(class);
        let (found, text, html) = mail.parts();
        assert!(found.ends_with(subject), "{class}: {found}");
        for part in [&text, &html] {
            assert_eq!(part.contains("Zebra"), told, "{class}\n{part}");
            assert_eq!(part.contains("figures.md"), told, "{class}\n{part}");
            assert_eq!(part.contains("/confirm?"), links, "{class}\n{part}");
            let agent = class != "restricted";
            assert_eq!(part.contains("report-writer"), agent, "{class}\n{part}");
        }
        // Headers are read by more than the reader.
        assert_eq!(mail.text.contains("X-Handoff-Class"), told, "{class}");
    }
    smtp.stop();
}

/// The smart part of routing: an error in code goes to engineers, a content flag to editors, each with what is needed.
#[test]
fn an_agent_that_cannot_go_on_reaches_engineers_with_its_log() {
    let smtp = Smtp::kind();
    let text = smtp.section("")
        + &person("sam", "Sam Ito")
        + &person("maya", "Maya Okafor")
        + "[[group]]\nid = \"engineers\"\nmembers = [\"sam\"]\n\
           [[group]]\nid = \"editors\"\nmembers = [\"maya\"]\n\
           [[route]]\nname = \"errors\"\ntrigger = [\"error\"]\nlabel = [\"code\"]\nto = [\"group:engineers\"]\n\
           [[route]]\nname = \"flags\"\ntrigger = [\"sensitive\"]\nto = [\"group:editors\"]\n";
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    let log = "error[E0382]: use of moved value: `total`\n  --> src/sum.rs:7:9\n";
    let (id, _) = hand_over_with(&bed, "build", "The build is red", |package| {
        package
            .with("trigger", "error")
            .with("x-labels", vec!["code"])
            .file("build.log", log)
    });
    hand_over_with(&bed, "flag", "A quote that may be libel", |package| {
        package.with("trigger", "sensitive")
    });
    let mut mails = smtp.takes(2);
    mails.sort_by_key(|mail| mail.to.clone());
    let subjects: Vec<(String, String)> = mails
        .iter()
        .map(|mail| (mail.to.clone(), mail.parts().0))
        .collect();
    let expected = [
        (
            "maya@example.org",
            "Your turn, high risk: A quote that may be libel",
        ),
        ("sam@example.org", "Your turn: The build is red"),
    ];
    assert_eq!(
        subjects,
        expected.map(|(to, subject)| (to.to_owned(), subject.to_owned()))
    );
    let (_, text, _) = mails[1].parts();
    assert!(text.contains("build.log"), "the log is named\n{text}");
    assert!(
        !text.contains("E0382"),
        "and its words stay out of mail\n{text}"
    );
    let kept = bed.http().fetch(&format!("/h/{id}/r/1/raw?path=build.log"));
    assert_eq!(
        kept.expect(200).text(),
        log,
        "whoever opens it reads the log itself"
    );
    smtp.stop();
}

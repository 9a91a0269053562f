//! Links in mail: opening one changes nothing, and answering by one works for its person, its revision and its
//! answer, once, for a while.

use std::thread;

use countersign_protocol::HandoffId;
use countersign_tests::{
    bed::TestBed,
    http::{Http, NoReply, Reply},
    smtp::{Mail, Smtp},
    timeshift::Timeshift,
    wait,
};
use serde_json::json;

use super::scene::{ask, hand_over, hand_over_with, head, path_of, person, post_form};

/// Requests of scanners, of each method.
const SCANS: usize = 1_000;
/// Scanners at a time.
const SCANNERS: usize = 4;

struct Scene {
    smtp: Smtp,
    bed: TestBed,
    clock: Timeshift,
}

impl Scene {
    fn start(more: &str) -> Self {
        let smtp = Smtp::kind();
        let text = smtp.section(more) + &person("maya", "Maya Okafor") + &ask("maya");
        let mut bed = TestBed::prepare().configured(&text);
        let clock = Timeshift::of(&mut bed);
        bed.up();
        Self { smtp, bed, clock }
    }

    /// The mail about a new handoff, and where its links lead.
    fn mail(&self) -> (HandoffId, Mail) {
        let (id, _) = hand_over(&self.bed, "q3", "Draft the Q3 risk summary");
        (id, self.smtp.takes(1)[0].clone())
    }

    fn path(&self, mail: &Mail, answer: &str) -> String {
        let link = mail.link(&format!("confirm?d={answer}"));
        path_of(&self.bed, &link).to_owned()
    }

    fn state(&self, id: HandoffId) -> String {
        let row = self.bed.reviewer().row(id);
        row["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Presses the button of the page behind a link.
    fn press(&self, path: &str, note: &str, cookie: Option<(&str, &str)>) -> Reply {
        let (page, query) = path.split_once('?').expect("a query");
        let token = query.split('&').find_map(|part| part.strip_prefix("t="));
        let csrf = cookie.map_or("", |(_, csrf)| csrf);
        let form = format!("t={}&note={note}&csrf={csrf}", token.expect("a token"));
        post_form(
            &self.bed.stranger(),
            page,
            &form,
            cookie.map(|(cookie, _)| cookie),
        )
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.smtp.stop();
    }
}

/// Stops unless a page says why a link does not work, and that nothing was decided.
fn refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let text = reply.text();
    assert!(text.contains(words), "{words}\n{text}");
    assert!(text.contains("Nothing was decided by it"), "{text}");
}

#[test]
fn a_thousand_scanners_change_nothing() {
    let scene = Scene::start("");
    let (id, mail) = scene.mail();
    super::scene::fares(&scene.bed, id, "sent");
    let mut paths = vec![scene.path(&mail, "approve"), scene.path(&mail, "changes")];
    let stop = mail.header("list-unsubscribe");
    paths.push(path_of(&scene.bed, stop.trim_matches(['<', '>'])).to_owned());
    let before = (head(&scene.bed), scene.bed.reviewer().row(id));
    let scan = |http: Http, paths: Vec<String>| {
        for at in 0..SCANS / SCANNERS {
            for method in ["GET", "HEAD"] {
                let headers = [("purpose", "prefetch"), ("user-agent", "Scanner/1.0")];
                let reply = http.send(method, &paths[at % paths.len()], &headers, &[]);
                let reply = reply.unwrap_or_else(|NoReply(why)| panic!("{why}"));
                assert_eq!(reply.status, 200, "{}", reply.text());
                assert_eq!(reply.header("set-cookie"), None);
                assert_eq!(reply.header("cache-control"), Some("no-store"));
                assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
            }
        }
    };
    let scanners: Vec<_> = (0..SCANNERS)
        .map(|_| {
            let (http, paths) = (scene.bed.stranger(), paths.clone());
            thread::spawn(move || scan(http, paths))
        })
        .collect();
    for scanner in scanners {
        scanner.join().expect("a scanner");
    }
    assert_eq!((head(&scene.bed), scene.bed.reviewer().row(id)), before);
    // And after all that the person presses the button.
    let reply = scene.press(&paths[0], "", None);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(scene.state(id), "approved");
}

#[test]
fn links_of_a_newer_mail_end_those_of_older_ones() {
    let scene = Scene::start("");
    let (id, first) = scene.mail();
    super::scene::assign(&scene.bed, id, "maya");
    let second = scene.smtp.takes(2)[1].clone();
    let older = scene.path(&first, "approve");
    refused(&scene.bed.stranger().fetch(&older), 409, "a newer mail");
    refused(&scene.press(&older, "", None), 409, "a newer mail");
    assert_eq!(scene.state(id), "waiting");
    let reply = scene.press(&scene.path(&second, "approve"), "", None);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(scene.state(id), "approved");
}

#[test]
fn a_link_answers_once() {
    let scene = Scene::start("");
    let (id, mail) = scene.mail();
    let (approve, changes) = (scene.path(&mail, "approve"), scene.path(&mail, "changes"));
    // Without words a change request decides nothing.
    let empty = scene.press(&changes, "", None);
    assert_eq!((empty.status, scene.state(id).as_str()), (422, "waiting"));
    let sent = scene.press(&changes, "Say+what+it+costs", None);
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(scene.state(id), "changes_requested");
    let decided = &scene.bed.reviewer().row(id)["decided"];
    assert_eq!(decided["by"], "Maya Okafor", "the person of the mail");
    wait::until("the answer to stand in the folder", || {
        let row = scene.bed.reviewer().row(id);
        (row["decided"]["delivered"] == true).then_some(())
    });
    let before = head(&scene.bed);
    refused(
        &scene.press(&changes, "Again", None),
        410,
        "was used before",
    );
    refused(&scene.press(&approve, "", None), 409, "already");
    let page = scene.bed.stranger().fetch(&changes);
    refused(&page, 410, "was used before");
    assert_eq!(head(&scene.bed), before);
}

#[test]
fn a_link_is_for_one_revision() {
    let scene = Scene::start("");
    let (id, mail) = scene.mail();
    let approve = scene.path(&mail, "approve");
    hand_over_with(&scene.bed, "q3", "Draft the Q3 risk summary", |package| {
        package.file("more.md", "Not seen by whoever got the mail\n")
    });
    assert_eq!(scene.bed.reviewer().row(id)["revision"], 2);
    let before = head(&scene.bed);
    refused(
        &scene.press(&approve, "", None),
        409,
        "has revision 2 now; the link was for revision 1",
    );
    refused(&scene.bed.stranger().fetch(&approve), 409, "revision 2");
    assert_eq!(
        (scene.state(id).as_str(), head(&scene.bed)),
        ("waiting", before)
    );
}

#[test]
fn a_link_is_for_one_handoff_and_cannot_be_guessed() {
    let scene = Scene::start("");
    let (id, mail) = scene.mail();
    let approve = scene.path(&mail, "approve");
    let (other, _) = hand_over(&scene.bed, "q4", "Draft the Q4 risk summary");
    let moved = approve.replace(&format!("/h/{id}/"), &format!("/h/{other}/"));
    refused(&scene.press(&moved, "", None), 404, "not known");
    refused(
        &scene.press(&format!("{approve}x"), "", None),
        404,
        "not known",
    );
    assert_eq!(scene.state(other), "waiting");
    assert_eq!(scene.state(id), "waiting");
}

#[test]
fn a_link_ends_after_eight_hours() {
    let mut scene = Scene::start("");
    let (id, mail) = scene.mail();
    let approve = scene.path(&mail, "approve");
    scene.clock.set("+7h");
    assert_eq!(scene.bed.stranger().fetch(&approve).status, 200);
    scene.clock.set("+9h");
    let before = head(&scene.bed);
    refused(&scene.press(&approve, "", None), 410, "worked until");
    refused(&scene.bed.stranger().fetch(&approve), 410, "worked until");
    assert_eq!(scene.state(id), "waiting");
    assert_eq!(head(&scene.bed), before);
    scene.bed.restart();
    refused(&scene.press(&approve, "", None), 410, "worked until");
}

/// A session of the person at this machine, who is not the one of the mail, and the token of its forms.
fn sign_in(scene: &Scene, path: &str) -> (String, String) {
    let made = scene.bed.http().push("/api/v1/start-links", &json!({}));
    let made = made.expect(201).json();
    let link = path_of(&scene.bed, made["url"].as_str().expect("a link")).to_owned();
    let started = scene.bed.stranger().fetch(&link);
    let cookie = started
        .header("set-cookie")
        .and_then(|all| all.split(';').next());
    let cookie = cookie.expect("a session").to_owned();
    let page = scene
        .bed
        .stranger()
        .send("GET", path, &[("cookie", &cookie)], &[]);
    let page = page.unwrap_or_else(|NoReply(why)| panic!("{why}")).text();
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
    let csrf = rest.split('"').next().unwrap_or_default().to_owned();
    (cookie, csrf)
}

#[test]
fn a_link_does_not_work_for_somebody_else_who_is_signed_in() {
    let scene = Scene::start("");
    let (id, mail) = scene.mail();
    let approve = scene.path(&mail, "approve");
    let (cookie, csrf) = sign_in(&scene, &approve);
    let before = head(&scene.bed);
    refused(
        &scene.press(&approve, "", Some((&cookie, &csrf))),
        403,
        "was made for Maya Okafor",
    );
    assert_eq!(
        (scene.state(id).as_str(), head(&scene.bed)),
        ("waiting", before)
    );
    // It is not spent by that: Maya can still use it.
    assert_eq!(scene.press(&approve, "", None).status, 200);
    assert_eq!(scene.state(id), "approved");
}

#[test]
fn medium_risk_asks_to_sign_in_and_high_risk_has_no_links() {
    let scene = Scene::start("decide_links = \"medium\"");
    let (id, _) = hand_over_with(&scene.bed, "a", "Could not go on", |package| {
        package.with("trigger", "error")
    });
    let mail = scene.smtp.takes(1)[0].clone();
    let approve = scene.path(&mail, "approve");
    refused(&scene.press(&approve, "", None), 403, "signed in");
    assert_eq!(scene.state(id), "waiting");
    hand_over_with(&scene.bed, "b", "Deploy to production", |package| {
        package.with("trigger", "critical_action")
    });
    let mails = scene.smtp.takes(2);
    let (subject, text, html) = mails[1].parts();
    assert_eq!(subject, "Your turn, high risk: Deploy to production");
    assert!(
        !text.contains("/confirm?") && !html.contains("/confirm?"),
        "{text}"
    );
}

//! A workspace is offered by mail, and taken over by the link in it.

use countersign_tests::{bed::TestBed, bed::WORKSPACE, smtp::Smtp};

use super::scene::{head, path_of, person, post_form};

#[test]
fn a_workspace_is_offered_by_mail_and_taken_over_by_its_link() {
    let smtp = Smtp::kind();
    let text = smtp.section("") + &person("maya", "Maya Okafor");
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    let (exit, said, errors) =
        bed.run(&["transfer", WORKSPACE, "--to", "maya", "--note", "All yours"]);
    assert_eq!(exit, 0, "{said}{errors}");
    let mails = smtp.takes(1);
    let (subject, text, html) = mails[0].parts();
    assert!(
        subject.ends_with(&format!("offers you {WORKSPACE}")),
        "{subject}"
    );
    assert!(!text.contains("All yours") && !html.contains("All yours"));
    let link = text
        .lines()
        .find(|line| line.contains("/workspaces/claim?t="));
    let link = link.unwrap_or_else(|| panic!("no link in {text}"));
    assert!(html.contains(link), "{html}");
    let path = path_of(&bed, link);
    let (stranger, before) = (bed.stranger(), head(&bed));
    // A scanner follows the link; that answers nothing.
    for method in ["GET", "HEAD"] {
        let reply = stranger.send(method, path, &[], &[]).expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("set-cookie"), None);
    }
    assert_eq!(head(&bed), before);
    let token = path.split_once("?t=").expect("a token").1;
    let answer = |token: &str| {
        let form = format!("t={token}&answer=accept");
        post_form(&stranger, "/workspaces/claim", &form, None)
    };
    assert_ne!(answer(&format!("{token}x")).status, 200);
    assert_eq!(answer(token).status, 200);
    assert_ne!(answer(token).status, 200, "it works once");
    let rows = bed.http().fetch("/api/v1/workspaces").expect(200).json();
    assert!(rows.to_string().contains("\"id\":\"maya\""), "{rows}");
    smtp.stop();
}

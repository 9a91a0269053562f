//! `countersign notify test`: a sample of each kind, by every way, and nothing of it is written down.

use std::collections::BTreeSet;

use countersign_tests::{
    bed::TestBed,
    hook::{Hook, SECRET},
    smtp::Smtp,
    standard_webhooks,
};
use serde_json::Value;

use super::scene::head;

/// Names of the samples that the command says it sent to a receiver.
fn sent(bed: &TestBed, args: &[&str]) -> Vec<(String, String)> {
    let args = [&["--json", "notify", "test"], args].concat();
    let (code, output, errors) = bed.run(&args);
    assert_eq!(code, 0, "{output}{errors}");
    let all: Value = serde_json::from_str(&output).expect("JSON");
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let results = all["results"].as_array().cloned().unwrap_or_default();
    let named = results.iter().map(|one| {
        assert_eq!(one["ok"], true, "{one}");
        (word(one, "receiver"), word(one, "sample"))
    });
    named.collect()
}

#[test]
fn a_sample_of_each_kind_goes_out_by_every_way() {
    let (smtp, program, chat) = (Smtp::kind(), Hook::kind(), Hook::kind());
    let formats = ["slack", "teams", "discord", "ntfy"];
    let chats = formats.map(|format| {
        let topic = if format == "ntfy" {
            "topic = \"all\"\n"
        } else {
            ""
        };
        let section = chat.section(format, &format!("format = \"{format}\"\n{topic}"));
        section.replace("secret = { env = \"HOOK_SECRET\" }\n", "")
    });
    let text = smtp.section("") + &program.section("ci", "") + &chats.concat();
    let mut bed = TestBed::prepare().configured(&text);
    bed.up();
    let before = head(&bed);
    let by_mail = sent(&bed, &["--channel", "mail", "--to", "me@example.org"]);
    let mails = smtp.taken();
    assert_eq!(mails.len(), by_mail.len());
    let subjects: BTreeSet<String> = mails.iter().map(|mail| mail.parts().0).collect();
    for subject in [
        "Your turn: Stop double retries in the payments client",
        "Your turn, a sample: Release notes for 4.18",
        "Handoff H-1042 needs you (ledger-migrator)",
        "A handoff needs you",
        "3 handoffs wait for you, 1 is late",
        "Nobody answered: Stop double retries in the payments client",
        "Test from Countersign",
    ] {
        assert!(subjects.contains(subject), "{subject}: {subjects:#?}");
    }
    let mut kinds: BTreeSet<String> = mails
        .iter()
        .map(|mail| mail.header("x-handoff-event"))
        .collect();
    assert_eq!(kinds.len(), 20, "every kind: {kinds:?}");
    // Without a name it goes to every receiver but people.
    let by_all = sent(&bed, &[]);
    let got = program.got();
    let of = |name: &str| by_all.iter().filter(|(one, _)| one == name).count();
    assert_eq!(got.len(), of("ci"));
    let verdicts = standard_webhooks::verify(SECRET, &got, 0);
    assert!(
        verdicts.iter().all(|verdict| verdict == "ok"),
        "{verdicts:?}"
    );
    for one in &got {
        let event: Value = serde_json::from_slice(&one.body).expect("JSON");
        kinds.remove(
            &event["type"]
                .as_str()
                .unwrap_or_default()
                .trim_start_matches("handoff.")
                .trim_end_matches(".v1")
                .replace('_', "-"),
        );
    }
    assert!(kinds.is_empty(), "the same kinds by webhook: {kinds:?}");
    assert_eq!(chat.got().len(), formats.map(of).iter().sum::<usize>());
    for one in chat.got() {
        serde_json::from_slice::<Value>(&one.body).expect("chats take JSON");
    }
    assert_eq!(head(&bed), before, "nothing of it is a fact");
    smtp.stop();
    program.stop();
    chat.stop();
}

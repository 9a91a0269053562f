//! Too much of what one caller may have: streams, and questions that are bombs.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use countersign_tests::{
    agent::Care,
    bed::{TestBed, WORKSPACE},
    wait,
};
use serde_json::Value;

/// More than there are places for agents.
const STREAMS: usize = 300;
/// Places for the streams of agents, and as many for people.
const PLACES: usize = 64;

fn token(bed: &TestBed) -> String {
    let words = [
        "--json",
        "token",
        "create",
        "hermes",
        "--workspace",
        WORKSPACE,
    ];
    let (exit, said, errors) = bed.run(&words);
    assert_eq!(exit, 0, "{errors}");
    let said: Value = serde_json::from_str(&said).expect("JSON");
    said["secret"].as_str().expect("a secret").to_owned()
}

/// Asks for a stream, and gives the status with the open connection.
fn stream(bed: &TestBed, token: &str) -> (u16, TcpStream) {
    let address = bed.endpoint().url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("a connection");
    stream.set_read_timeout(Some(wait::LIMIT)).expect("a limit");
    let ask = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).expect("it is heard");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    let status = String::from_utf8_lossy(&answer[9..]).parse();
    (status.expect("a status"), stream)
}

#[test]
fn streams_of_an_agent_leave_people_theirs() {
    let bed = TestBed::start();
    let agent = token(&bed);
    let open: Vec<(u16, TcpStream)> = (0..STREAMS).map(|_| stream(&bed, &agent)).collect();
    let count = |wanted| open.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!((count(200), count(503)), (PLACES, STREAMS - PLACES));
    let person = bed.endpoint().token.clone();
    assert_eq!(stream(&bed, &person).0, 200);
    assert_eq!(bed.http().fetch("/api/v1/handoffs").status, 200);
}

#[test]
fn no_question_is_a_bomb() {
    let bed = TestBed::start();
    let agent = bed.agent("hermes");
    let mut package = agent.package("Read all of it");
    for number in 0..8 {
        let text = format!("{}\n{}\n", "aaaa ".repeat(2_000), "a".repeat(5_000));
        package = package.file(&format!("{number}.txt"), text);
    }
    agent
        .write("many", &package, Care::Rename)
        .expect("written")
        .receipt();
    wait::until("the index", || {
        let found = bed.http().fetch("/api/v1/search?q=aaaa").json();
        (found["total"].as_u64()? >= 8).then_some(())
    });
    let repeated = |text: &str, times: usize| text.repeat(times);
    let questions = [
        format!("/(?i){}/", repeated("a", 2_000)),
        format!("/(?i){}/", repeated("a", 480)),
        "/[ab]*a[ab]{480}c/".to_owned(),
        "/(a{1,1000}){1,1000}/".to_owned(),
        "/(a|aa)+$/".to_owned(),
        "/(.*a){20}b/".to_owned(),
        format!("/{}a{}/", repeated("(", 1_000), repeated(")", 1_000)),
        format!("\"{}\"", repeated("a", 3_000)),
        format!("\"{}\"", repeated("a ", 1_500)),
        format!("{}a{}", repeated("(", 1_500), repeated(")", 1_500)),
        repeated("NOT ", 900) + "a",
        format!("path:{}x", repeated("**/", 900)),
        format!("path:{}", repeated("*a", 1_000)),
        format!("path:{}", repeated("{a,b}", 400)),
        format!("size:>{}", repeated("9", 3_000)),
        format!("after:-{}y", repeated("9", 90)),
    ];
    for question in &questions {
        let escaped = question.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "%{byte:02x}");
            text
        });
        let reply = bed
            .http()
            .fetch(&format!("/api/v1/search?limit=5&q={escaped}"));
        let start: String = question.chars().take(30).collect();
        assert!(
            matches!(reply.status, 200 | 400 | 422),
            "{start}: {}",
            reply.status
        );
    }
}

/// Sends all of a request before it looks for an answer, as most clients do.
fn send_all(bed: &TestBed, path: &str, head: &str, body: &[u8]) -> String {
    let address = bed.endpoint().url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("a connection");
    stream.set_read_timeout(Some(wait::LIMIT)).expect("a limit");
    let token = &bed.endpoint().token;
    let ask = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nconnection: close\r\n{head}\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).expect("it is heard");
    stream.write_all(body).expect("it is read to its end");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn what_is_too_large_is_read_and_refused_with_words() {
    let mut bed = TestBed::prepare().configured("[limits]\ndelivery = \"2MB\"\n");
    bed.up();
    let deliveries = format!("/api/v1/workspaces/{WORKSPACE}/handoffs");
    let body = |bytes: usize| format!("{{\"document\":\"{}\"}}", "x".repeat(bytes)).into_bytes();
    let chunked = |body: &[u8]| {
        let mut all = Vec::new();
        for chunk in body.chunks(100_000) {
            all.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            all.extend(chunk);
            all.extend(b"\r\n");
        }
        all.extend(b"0\r\n\r\n");
        all
    };
    for (path, bytes, status) in [
        (deliveries.as_str(), 1_900_000, "422"),
        (&deliveries, 2_000_000, "413"),
        (&deliveries, 30_000_000, "413"),
        ("/api/v1/handoffs/H-1/comments", 1_100_000, "413"),
    ] {
        let body = body(bytes);
        let length = format!("content-length: {}", body.len());
        let whole = send_all(&bed, path, &length, &body);
        let pieces = send_all(&bed, path, "transfer-encoding: chunked", &chunked(&body));
        for answer in [whole, pieces] {
            let told = answer.get(9..12).unwrap_or_default();
            assert_eq!(told, status, "{path}, {bytes} bytes: {answer}");
            assert!(
                status != "413" || answer.contains("[limits] delivery"),
                "{answer}"
            );
        }
    }
    // The command line says so, too.
    let folder = bed.home.join("large");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("u.bin"), vec![7; 3_000_000]).expect("a file");
    let handoff =
        r#"{"handoff_version":"1.0","from_agent":"ada","task":"t","artifacts":["u.bin"]}"#;
    std::fs::write(folder.join("handoff.json"), handoff).expect("a file");
    let folder = folder.display().to_string();
    let (exit, _, errors) = bed.run(&["submit", "--workspace", WORKSPACE, &folder]);
    assert!(
        exit != 0 && errors.contains("too large"),
        "{exit}: {errors}"
    );
}

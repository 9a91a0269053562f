//! Every route that reads, asked by people and agents who may know nothing of a workspace: no answer names it.
//!
//! The routes come from the description of the API, so a new one is asked as soon as it is described.

use countersign_tests::{
    agent::{Agent, Care},
    bed::{TestBed, WORKSPACE},
    http::Http,
};
use serde_json::{Value, json};

/// The name of the hidden workspace.
const HIDDEN: &str = "canary";
/// Words of its work, its files and its people's answers, and its name.
const SECRETS: [&str; 5] = [
    "canary",
    "Pelican merger",
    "osprey.txt",
    "kingfisher",
    "heron-agent",
];
/// The number of the hidden handoff, and of the one in the open workspace.
const NUMBERS: [&str; 2] = ["H-1", "H-2"];
/// Pages, which the description does not list.
const PAGES: [&str; 20] = [
    "/queue",
    "/queue?view=team",
    "/queue?view=decided",
    "/h/H-1",
    "/h/H-1/decided",
    "/h/H-1/r/1/raw?path=osprey.txt",
    "/search?q=price",
    "/search?q=is%3Aopen",
    "/activity",
    "/locks",
    "/insights",
    "/workspaces",
    "/agents",
    "/people",
    "/messages",
    "/settings",
    "/account",
    "/dead-letters",
    "/metrics",
    "/dav/workspaces/canary/",
];

const RULES: &str = r#"
[[person]]
id = "maya"
[[person]]
id = "zoe"
[[member]]
workspace = "work"
role = "approver"
who = ["maya"]
[[member]]
workspace = "work"
role = "operator"
who = ["otto"]
[[member]]
workspace = "canary"
role = "approver"
who = ["zoe"]
[auth]
role = "none"
"#;

/// Who may know nothing of the hidden workspace.
struct Caller {
    name: &'static str,
    headers: Vec<(String, String)>,
}

impl Caller {
    fn asks(&self, http: &Http, path: &str) -> (u16, String) {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let reply = http.send("GET", path, &headers, &[]).expect("an answer");
        (reply.status, reply.text())
    }
}

/// The session of a new account.
fn account(bed: &TestBed, name: &'static str) -> Caller {
    let made = bed.http().push("/api/v1/accounts", &json!({ "id": name }));
    let link = made.expect(201).json()["link"].as_str().map(str::to_owned);
    let link = link.expect("a link");
    let (_, token) = link.split_once("?t=").expect("a token");
    let form = format!("t={token}&password=correct+horse+9+battery");
    let header = [("content-type", "application/x-www-form-urlencoded")];
    let accepted = bed
        .stranger()
        .send("POST", "/invitation", &header, form.as_bytes());
    let accepted = accepted.expect("an answer").expect(303);
    let cookie = accepted.header("set-cookie").expect("a session");
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    Caller {
        name,
        headers: vec![("cookie".to_owned(), cookie)],
    }
}

/// The paths of the description that read, with what they need filled in.
fn reading(http: &Http) -> Vec<String> {
    let description = http.fetch("/api/v1/openapi.json").expect(200).json();
    let paths = description["paths"].as_object().expect("paths");
    let reads = paths.iter().filter(|(_, item)| item.get("get").is_some());
    // These wait, or never end, by design.
    let ends = |path: &&String| {
        !["/wait", "/events", "/next", "/stream"]
            .iter()
            .any(|end| path.ends_with(end))
    };
    let filled = |path: &String, number: &str| {
        let values = [
            ("{id}", number),
            ("{workspace}", HIDDEN),
            ("{revision}", "1"),
            ("{hop}", "1"),
            ("{path}", "osprey.txt"),
            ("{agent}", "heron-agent"),
            ("{name}", "handoff"),
            ("{thread}", "1"),
        ];
        values.iter().fold(path.clone(), |path, (name, value)| {
            path.replace(name, value)
        })
    };
    let paths: Vec<&String> = reads.map(|(path, _)| path).filter(ends).collect();
    assert!(paths.len() > 40, "{}", paths.len());
    let mut all: Vec<String> = NUMBERS
        .iter()
        .flat_map(|number| paths.iter().map(|path| filled(path, number)))
        .collect();
    all.extend(
        [
            "/api/v1/search?q=kingfisher",
            "/api/v1/search/completions?q=ca",
            "/api/v1/changes?since=1d",
        ]
        .map(str::to_owned),
    );
    all.sort();
    all.dedup();
    all
}

/// Work in the hidden workspace, answered, with a lock, a comment and a refused delivery; and open work of others.
fn scene() -> TestBed {
    let mut bed = TestBed::prepare().configured(RULES);
    let hidden = bed.launch.roots[0].join(HIDDEN);
    std::fs::create_dir_all(&hidden).expect("the scene can be set");
    bed.up();
    let agent = Agent::new("heron-agent", &hidden);
    let package = agent
        .package("Pelican merger")
        .file("osprey.txt", "The price is kingfisher.\n");
    let delivery = agent.write("deal", &package, Care::Rename).expect("a disk");
    assert_eq!(delivery.receipt().handoff_id.to_string(), NUMBERS[0]);
    std::fs::create_dir_all(hidden.join("broken")).expect("the scene can be set");
    std::fs::write(
        hidden.join("broken/handoff.json"),
        "{\"task\": \"kingfisher\"",
    )
    .expect("the scene can be set");
    let http = bed.http();
    let lock = json!({ "workspace": HIDDEN, "agent": "heron-agent", "path": "osprey.txt" });
    assert_eq!(http.push("/api/v1/locks", &lock).status, 201);
    let agent = bed.agent("open-agent");
    let package = agent.package("Open work").file("a.md", "words\n");
    let delivery = agent.write("job", &package, Care::Rename).expect("a disk");
    assert_eq!(delivery.receipt().handoff_id.to_string(), NUMBERS[1]);
    bed
}

#[test]
fn no_route_tells_of_a_workspace_that_one_may_not_see() {
    let bed = scene();
    let http = bed.stranger();
    let token = json!({ "agent": "open-agent", "workspaces": [WORKSPACE] });
    let token = bed.http().push("/api/v1/tokens", &token).expect(201).json();
    let token = token["secret"].as_str().expect("a secret");
    let callers = [
        account(&bed, "stranger"),
        account(&bed, "maya"),
        account(&bed, "otto"),
        Caller {
            name: "agent",
            headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
        },
        Caller {
            name: "nobody",
            headers: Vec::new(),
        },
    ];
    let mut paths = reading(&bed.http());
    paths.extend(PAGES.map(str::to_owned));
    let (mut told, mut answered) = (Vec::new(), 0);
    for caller in &callers {
        for path in &paths {
            let (status, text) = caller.asks(&http, path);
            answered += usize::from(status == 200);
            // An answer may repeat what was asked for.
            let text = text
                .replace(path.as_str(), "")
                .replace("/canary", "")
                .replace("`canary`", "")
                .replace("kingfisher\"", "");
            for secret in SECRETS
                .iter()
                .filter(|secret| status < 400 && text.contains(**secret))
            {
                told.push(format!("{} {path}: {status} {secret}", caller.name));
            }
        }
    }
    assert!(answered > 100, "{answered} answers say anything at all");
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn who_has_no_role_makes_the_daemon_do_nothing() {
    let bed = scene();
    let stranger = account(&bed, "stranger");
    let cookie = &stranger.headers[0].1;
    let page = bed
        .stranger()
        .send("GET", "/account", &[("cookie", cookie)], &[]);
    let page = page.expect("a page").text();
    let (_, csrf) = page.split_once("name=\"csrf\" value=\"").expect("a form");
    let csrf = csrf.split('"').next().unwrap_or_default();
    let headers = [
        ("cookie", cookie.as_str()),
        ("x-csrf-token", csrf),
        ("content-type", "application/json"),
    ];
    for path in [
        "/api/v1/workspaces/reload",
        "/api/v1/search/index/rebuild",
        "/api/v1/store/collect",
        "/api/v1/start-links",
        "/api/v1/tokens",
        "/api/v1/accounts",
        "/api/v1/receivers/test",
        "/api/v1/handoffs/H-1/decision",
        "/api/v1/handoffs/H-1/comments",
        "/api/v1/handoffs/H-1/claim",
    ] {
        let reply = bed
            .stranger()
            .send("POST", path, &headers, b"{}")
            .expect("an answer");
        assert!(
            (400..500).contains(&reply.status),
            "{path}: {}",
            reply.text()
        );
        let text: Value = reply.json();
        assert!(!text.to_string().contains("Pelican"), "{path}: {text}");
    }
}

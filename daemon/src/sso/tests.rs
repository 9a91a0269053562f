//! A provider on loopback that says what a test wants, and everything that somebody could make it say.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::State,
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use openidconnect::{
    JsonWebKeyId, PrivateSigningKey as _,
    core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Answer, Sso, SsoError, Vouched};
use crate::{
    clock::{Clock as _, TestClock},
    config::Environment,
    egress::system_lookup,
    testing::config,
};

/// 256 bits that no test has to guess.
const RANDOM: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What the provider is asked and what it says.
struct Says {
    base: String,
    /// What it calls itself in discovery.
    issuer: String,
    header: Value,
    claims: Value,
    userinfo: Value,
    /// Whether the signature is of another key.
    forged: bool,
    form: Vec<(String, String)>,
    asked: usize,
}

#[derive(Clone)]
struct Fake(Arc<Mutex<Says>>);

fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    // PKCS #8 of an Ed25519 key (RFC 8410, section 7).
    let mut der = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    der.extend([seed; 32]);
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new("k".to_owned())))
        .unwrap()
}

async fn discovery(State(fake): State<Fake>) -> Json<Value> {
    let says = fake.0.lock().unwrap();
    let base = &says.base;
    Json(json!({
        "issuer": says.issuer,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "userinfo_endpoint": format!("{base}/userinfo"),
        "jwks_uri": format!("{base}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
    }))
}

async fn keys() -> Json<Value> {
    Json(json!({ "keys": [key(7).as_verification_key()] }))
}

async fn token(State(fake): State<Fake>, Form(form): Form<Vec<(String, String)>>) -> Json<Value> {
    let mut says = fake.0.lock().unwrap();
    says.asked += 1;
    says.form = form;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&says.header), part(&says.claims));
    let signer = key(if says.forged { 8 } else { 7 });
    let signature = match says.header["alg"].as_str() {
        Some("none") => Vec::new(),
        _ => signer
            .sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes())
            .unwrap(),
    };
    let id_token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature));
    Json(json!({ "access_token": "a", "token_type": "Bearer", "id_token": id_token }))
}

async fn userinfo(State(fake): State<Fake>) -> Json<Value> {
    Json(fake.0.lock().unwrap().userinfo.clone())
}

/// Something that the provider says otherwise.
type Change = Box<dyn FnOnce(&mut Says)>;

struct Bed {
    fake: Fake,
    sso: Sso,
    clock: Arc<TestClock>,
}

impl Bed {
    async fn start() -> Self {
        Self::with("allow_private = true").await
    }

    async fn with(more: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let fake = Fake(Arc::new(Mutex::new(Says {
            issuer: base.clone(),
            header: json!({ "alg": "EdDSA", "kid": "k" }),
            claims: json!({}),
            userinfo: json!({ "sub": "s-1" }),
            forged: false,
            form: Vec::new(),
            asked: 0,
            base: base.clone(),
        })));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let text = format!("[sso]\nissuer = \"{base}\"\nclient_id = \"countersign\"\n{more}\n");
        let stated = config(&text).sso.unwrap();
        let clock = TestClock::at("2026-03-02T09:00:00Z".parse().unwrap());
        let environment = Environment::of_process();
        let here = "http://127.0.0.1:7420";
        let sso = Sso::new(&stated, here, &environment, clock.clone(), &system_lookup()).unwrap();
        Self { fake, sso, clock }
    }

    fn says(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.fake.0.lock().unwrap());
    }

    /// A browser that goes there: its cookie and the fields of the address.
    async fn begin(&self) -> (String, Vec<(String, String)>) {
        let (beginning, url) = self.sso.begin(RANDOM, false).await.unwrap();
        let url: reqwest::Url = url.parse().unwrap();
        let fields = url.query_pairs().into_owned().collect();
        (beginning.cookie().to_owned(), fields)
    }

    /// What a good provider says about Sam.
    fn vouch(&self, fields: &[(String, String)]) {
        let now = self.clock.now().as_second();
        self.says(|says| {
            says.claims = json!({
                "iss": says.issuer, "sub": "s-1", "aud": "countersign", "iat": now, "exp": now + 300,
                "nonce": field(fields, "nonce"), "preferred_username": "sam", "name": "Sam Ito",
                "groups": ["finance", "/staff"],
            });
        });
    }

    async fn finish(&self, cookie: &str, state: &str) -> Result<Vouched, SsoError> {
        let answer = Answer {
            code: "code",
            state,
            issuer: None,
        };
        self.sso.finish(cookie, answer).await
    }

    /// A whole sign-in in which the provider says something else than it should.
    async fn with_claims(&self, change: impl FnOnce(&mut Says)) -> Result<Vouched, SsoError> {
        let (cookie, fields) = self.begin().await;
        self.vouch(&fields);
        self.says(change);
        self.finish(&cookie, &field(&fields, "state")).await
    }

    fn asked(&self) -> usize {
        self.fake.0.lock().unwrap().asked
    }
}

fn field(fields: &[(String, String)], name: &str) -> String {
    let found = fields.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

#[tokio::test]
async fn who_signs_in_there_is_vouched_for_here() {
    let bed = Bed::start().await;
    let (cookie, fields) = bed.begin().await;
    assert_eq!(field(&fields, "response_type"), "code");
    assert_eq!(field(&fields, "code_challenge_method"), "S256");
    let back = "http://127.0.0.1:7420/sso/callback";
    assert_eq!(field(&fields, "redirect_uri"), back);
    assert_eq!(field(&fields, "scope"), "openid profile");
    bed.vouch(&fields);
    let vouched = bed.finish(&cookie, &field(&fields, "state")).await.unwrap();
    assert_eq!(
        (vouched.subject.as_str(), vouched.id.as_str()),
        ("s-1", "sam")
    );
    assert_eq!(vouched.groups, ["finance", "/staff"]);
    // The provider can tell that the one who redeems the code is the one who asked for it.
    let form = bed.fake.0.lock().unwrap().form.clone();
    let verifier = Sha256::digest(field(&form, "code_verifier"));
    assert_eq!(
        URL_SAFE_NO_PAD.encode(verifier),
        field(&fields, "code_challenge")
    );
}

#[tokio::test]
async fn claims_that_the_token_leaves_out_are_asked_for() {
    let bed = Bed::start().await;
    let from_elsewhere = |says: &mut Says| {
        says.claims
            .as_object_mut()
            .unwrap()
            .remove("preferred_username");
        says.claims.as_object_mut().unwrap().remove("groups");
        says.userinfo = json!({ "sub": "s-1", "preferred_username": "sam", "groups": "finance" });
    };
    let vouched = bed.with_claims(from_elsewhere).await.unwrap();
    assert_eq!(
        (vouched.id.as_str(), &*vouched.groups),
        ("sam", &["finance".to_owned()][..])
    );
    let of_another = |says: &mut Says| {
        from_elsewhere(says);
        says.userinfo["sub"] = json!("s-2");
    };
    // Its secrets are the same in each bed, and a sign-in is good for once.
    let told = Bed::start().await.with_claims(of_another).await;
    assert!(matches!(told, Err(SsoError::NotGood(_))), "{told:?}");
}

#[tokio::test]
async fn trusts_named_audiences_only() {
    let more = "allow_private = true\naudiences = [\"328374\"]";
    for (audiences, party, fine) in [
        (json!(["countersign", "328374"]), json!("countersign"), true),
        (json!(["328374", "countersign"]), json!(null), true),
        (
            json!(["countersign", "payroll"]),
            json!("countersign"),
            true,
        ),
        (json!(["countersign", "payroll"]), json!(null), false),
        (json!(["countersign", "328374"]), json!("payroll"), false),
        (json!("328374"), json!("countersign"), false),
        (json!("countersign"), json!("payroll"), false),
    ] {
        let bed = Bed::with(more).await;
        let told = bed.with_claims(|says| {
            says.claims["aud"] = audiences.clone();
            says.claims["azp"] = party.clone();
        });
        let told = told.await;
        assert_eq!(told.is_ok(), fine, "{audiences} {party}: {told:?}");
    }
}

#[tokio::test]
async fn reads_truth_written_as_text() {
    for (said, fine) in [("true", true), ("false", false)] {
        let bed = Bed::with("allow_private = true\nuser = \"email\"").await;
        let told = bed.with_claims(|says| {
            says.claims["email"] = json!("sam@example.org");
            says.claims["email_verified"] = json!(said);
        });
        let told = told.await;
        assert_eq!(told.is_ok(), fine, "{said}: {told:?}");
        assert!(fine || matches!(told, Err(SsoError::Refused(_))));
    }
}

#[tokio::test]
async fn forgives_a_slow_clock() {
    let bed = Bed::start().await;
    let now = bed.clock.now().as_second();
    let told = bed.with_claims(|says| says.claims["exp"] = json!(now - 30));
    assert!(told.await.is_ok());
}

#[tokio::test]
async fn no_token_is_good_that_is_not_for_us_now_and_from_the_provider() {
    let bed = Bed::start().await;
    let now = bed.clock.now().as_second();
    let cases: Vec<(&str, Change)> = vec![
        (
            "another nonce",
            Box::new(|says| says.claims["nonce"] = json!("other")),
        ),
        (
            "no nonce",
            Box::new(|says| drop(says.claims.as_object_mut().unwrap().remove("nonce"))),
        ),
        (
            "another audience",
            Box::new(|says| says.claims["aud"] = json!("payroll")),
        ),
        (
            "a second audience",
            Box::new(|says| says.claims["aud"] = json!(["countersign", "payroll"])),
        ),
        (
            "over",
            Box::new(move |says| says.claims["exp"] = json!(now - 61)),
        ),
        (
            "from the future",
            Box::new(move |says| says.claims["iat"] = json!(now + 3_600)),
        ),
        (
            "not good yet",
            Box::new(move |says| says.claims["nbf"] = json!(now + 3_600)),
        ),
        (
            "another issuer",
            Box::new(|says| says.claims["iss"] = json!("https://evil.example")),
        ),
        ("another key", Box::new(|says| says.forged = true)),
        (
            "an access token of somebody else",
            Box::new(|says| says.claims["at_hash"] = json!(at_hash("b"))),
        ),
        (
            "no signature",
            Box::new(|says| says.header = json!({ "alg": "none" })),
        ),
        (
            "a shared secret",
            Box::new(|says| says.header["alg"] = json!("HS256")),
        ),
        (
            "nobody",
            Box::new(|says| {
                drop(
                    says.claims
                        .as_object_mut()
                        .unwrap()
                        .remove("preferred_username"),
                );
            }),
        ),
    ];
    for (what, change) in cases {
        let told = bed.with_claims(|says| {
            says.forged = false;
            says.header = json!({ "alg": "EdDSA", "kid": "k" });
            change(says);
        });
        let told = told.await;
        assert!(
            matches!(told, Err(SsoError::NotGood(_))),
            "{what}: {told:?}"
        );
    }
    let good = bed.with_claims(|says| {
        says.forged = false;
        says.header = json!({ "alg": "EdDSA", "kid": "k" });
    });
    assert!(good.await.is_ok());
}

/// Of Ed25519: the left half of SHA-512 (`OpenID` Connect Core, section 3.1.3.6).
fn at_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&sha2::Sha512::digest(access_token)[..32])
}

#[tokio::test]
async fn an_access_token_that_the_id_token_names_is_good() {
    let bed = Bed::start().await;
    let named = bed.with_claims(|says| says.claims["at_hash"] = json!(at_hash("a")));
    named.await.unwrap();
}

#[tokio::test]
async fn who_was_asked_there_just_now_attended_and_who_was_only_known_did_not() {
    let bed = Bed::start().await;
    let (_, url) = bed.sso.begin(RANDOM, true).await.unwrap();
    assert!(
        url.contains("prompt=login") && url.contains("max_age=0"),
        "{url}"
    );
    let usual = bed.begin().await.1;
    assert_eq!(field(&usual, "prompt"), "");
    let now = bed.clock.now().as_second();
    for (at, attended) in [(None, false), (Some(now - 3_600), false), (Some(now), true)] {
        let bed = Bed::start().await;
        let told = bed.with_claims(|says| {
            if let Some(at) = at {
                says.claims["auth_time"] = json!(at);
            }
        });
        assert_eq!(told.await.unwrap().attended, attended, "{at:?}");
    }
}

#[tokio::test]
async fn an_answer_is_worth_something_once_and_only_in_the_browser_that_began() {
    let bed = Bed::start().await;
    let (cookie, fields) = bed.begin().await;
    let state = field(&fields, "state");
    bed.vouch(&fields);
    let not_ours = |told: Result<Vouched, SsoError>, what: &str| {
        assert!(
            matches!(told, Err(SsoError::NotOurs(_))),
            "{what}: {told:?}"
        );
    };
    let (other, _) = bed
        .sso
        .begin(&RANDOM.replace('A', "B"), false)
        .await
        .unwrap();
    not_ours(bed.finish(other.cookie(), &state).await, "another browser");
    not_ours(bed.finish("", &state).await, "no cookie");
    not_ours(
        bed.finish("1.a", &state).await,
        "a cookie that anybody could guess",
    );
    not_ours(bed.finish(&cookie, "").await, "no state");
    assert_eq!(bed.asked(), 0, "no code was shown to the provider");
    assert!(bed.finish(&cookie, &state).await.is_ok());
    not_ours(bed.finish(&cookie, &state).await, "the same answer again");
    let (cookie, fields) = bed.begin().await;
    bed.vouch(&fields);
    bed.clock.advance(Duration::from_mins(16));
    not_ours(
        bed.finish(&cookie, &field(&fields, "state")).await,
        "too late",
    );
    let later: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
    bed.clock.jump(later);
    not_ours(
        bed.finish(&cookie, &field(&fields, "state")).await,
        "from the future",
    );
}

#[tokio::test]
async fn another_issuer_is_not_believed_in_discovery_nor_in_the_answer() {
    let bed = Bed::start().await;
    let (cookie, fields) = bed.begin().await;
    bed.vouch(&fields);
    let answer = Answer {
        code: "code",
        state: &field(&fields, "state"),
        issuer: Some("https://evil.example"),
    };
    let told = bed.sso.finish(&cookie, answer).await;
    assert!(matches!(told, Err(SsoError::NotGood(_))), "{told:?}");
    assert_eq!(bed.asked(), 0, "no code was shown to the provider");
    bed.says(|says| says.issuer = "https://evil.example".to_owned());
    let told = bed.finish(&cookie, &field(&fields, "state")).await;
    assert!(matches!(told, Err(SsoError::Unreachable(_))), "{told:?}");
}

#[tokio::test]
async fn nothing_inside_the_house_is_asked_but_the_issuer_that_may_be() {
    let bed = Bed::start().await;
    // Another port is another origin.
    let other = Bed::start().await;
    let there = other.fake.0.lock().unwrap().base.clone();
    bed.says(|says| says.base = there);
    let told = bed.sso.begin(RANDOM, false).await;
    assert!(matches!(told, Err(SsoError::Unreachable(_))), "{told:?}");
    let stated = "[sso]\nissuer = \"https://127.0.0.1:1\"\nclient_id = \"c\"\n";
    let stated = config(stated).sso.unwrap();
    let environment = Environment::of_process();
    let clock = bed.clock.clone();
    let sso = Sso::new(
        &stated,
        "http://127.0.0.1:7420",
        &environment,
        clock,
        &system_lookup(),
    );
    let told = sso.unwrap().begin(RANDOM, false).await;
    assert!(
        matches!(&told, Err(SsoError::Unreachable(why)) if why.contains("inside your house")),
        "{told:?}"
    );
}

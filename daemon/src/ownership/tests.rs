//! A workspace changes hands, whatever agents put into it; and back again.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests play the agents, who do not use our door"
)]

use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink},
    path::Path,
    sync::Arc,
    time::Duration,
};

use countersign_protocol::{
    event::Event,
    lock::{Kind, LockRequest, Mode, Pattern},
    ownership::Settlement,
    principal::{Actor, Method, Principal},
};
use countersign_web::desk::{
    Caller, DeskError, OwnershipDesk as _, Person,
    ownership::{Claimant, NewOffer, OwnershipRow, OwnershipStep},
};

use super::{
    Custody,
    give::{Terms, to_agents, to_person},
    listing::Listing,
};
use crate::{
    fs::Dir,
    testing::{Rig, WORKSPACE, handoff, maya, skip},
    workspace::{Account, Settings},
};

const HERMES: u32 = 40_001;
const PRIYA: u32 = 50_001;
const PEOPLE: &str = r#"
[[person]]
id = "priya"
name = "Priya Raman"
user = "50001"

[[person]]
id = "sam"
"#;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn rig() -> Rig {
    let settings = Settings {
        users: [("hermes".to_owned(), HERMES)].into(),
        ..Settings::default()
    };
    let mut rig = Rig::with(settings);
    rig.with_policy(PEOPLE);
    rig
}

fn custody(rig: &Rig) -> Custody {
    Custody::new(
        rig.workspaces(),
        rig.ledger().clone(),
        Arc::clone(rig.objects()),
        rig.clock.clone(),
        rig.policy().catalog().clone(),
    )
}

fn operator() -> Person {
    Person {
        method: Method::Cli,
        ..maya()
    }
}

fn person(id: &str) -> Person {
    Person {
        id: id.to_owned(),
        display: id.to_owned(),
        method: Method::Web,
        access: crate::testing::everything(),
    }
}

fn to(person: &str) -> NewOffer {
    NewOffer {
        to: person.to_owned(),
        note: None,
        waits: Duration::from_hours(1),
    }
}

fn offer(rig: &Rig, person: &str) -> Option<String> {
    let who = Caller::Person(operator());
    let made = rig.desk().offer_ownership(&who, WORKSPACE, to(person));
    rig.wait(made).unwrap().claim_url
}

fn answer(rig: &Rig, who: &Claimant, accept: bool) -> Result<(), DeskError> {
    rig.wait(rig.desk().answer_offer(who, WORKSPACE, accept, None))
}

fn row(rig: &Rig, who: Person) -> OwnershipRow {
    let rows = rig.wait(rig.desk().ownerships(&Caller::Person(who)));
    rows.unwrap().remove(0)
}

fn give_back(rig: &Rig, who: &Person) -> Result<(), DeskError> {
    rig.wait(rig.desk().return_ownership(who, WORKSPACE, None))
}

/// Uid and mode.
fn look(path: &Path) -> (u32, u32) {
    let found = path.symlink_metadata().unwrap();
    (found.uid(), found.mode() & 0o7777)
}

#[test]
fn it_is_offered_accepted_and_given_back() {
    let rig = rig();
    let before = row(&rig, operator());
    assert_eq!((before.owner.name.as_str(), before.held), ("Maya", false));
    offer(&rig, "Priya Raman");
    assert!(
        row(&rig, person("priya"))
            .may
            .contains(&OwnershipStep::Answer)
    );
    let wrong = answer(&rig, &Claimant::Person(person("sam")), true);
    assert!(matches!(wrong, Err(DeskError::NotAllowed(_))), "{wrong:?}");
    answer(&rig, &Claimant::Person(person("priya")), true).unwrap();
    let held = row(&rig, person("priya"));
    assert_eq!((held.owner.id.as_str(), held.held), ("priya", true));
    assert!(held.settling);
    let twice = answer(&rig, &Claimant::Person(person("priya")), true);
    assert!(matches!(twice, Err(DeskError::Overtaken(_))), "{twice:?}");
    rig.wait(custody(&rig).run()).unwrap();
    let settled = row(&rig, person("priya"));
    assert!(!settled.settling && settled.files.is_some(), "{settled:?}");
    let foreign = give_back(&rig, &person("sam"));
    assert!(matches!(foreign, Err(DeskError::NotAllowed(_))));
    give_back(&rig, &person("priya")).unwrap();
    rig.wait(custody(&rig).run()).unwrap();
    let back = row(&rig, person("priya"));
    assert_eq!((back.owner.id.as_str(), back.held), ("priya", false));
    let names = [
        "ownership.offered",
        "ownership.accepted",
        "ownership.listed",
        "ownership.settled",
        "ownership.returned",
        "ownership.settled",
    ];
    let told = rig.events();
    let told = told.iter().map(Event::name);
    let told: Vec<_> = told.filter(|name| name.starts_with("ownership")).collect();
    assert_eq!(told, names);
}

#[test]
fn a_claim_answers_once_for_one_person_and_not_for_ever() {
    let rig = rig();
    let claim = |url: Option<String>| {
        let url = url.unwrap();
        Claimant::Secret(url.rsplit("t=").next().unwrap().to_owned())
    };
    let first = claim(offer(&rig, "priya"));
    let second = claim(offer(&rig, "priya"));
    // The newer offer ends the older one.
    assert!(answer(&rig, &first, true).is_err());
    let Claimant::Secret(secret) = &second else {
        unreachable!()
    };
    let shown = rig.wait(rig.desk().claimed(secret)).unwrap();
    assert_eq!(shown.offer.unwrap().to.id, "priya");
    answer(&rig, &second, false).unwrap();
    assert!(answer(&rig, &second, true).is_err(), "it is spent");
    let third = claim(offer(&rig, "sam"));
    rig.clock.advance(Duration::from_mins(61));
    assert!(answer(&rig, &third, true).is_err(), "its time is over");
    rig.wait(custody(&rig).run()).unwrap();
    assert_eq!(rig.count("ownership.expired"), 1);
    assert!(
        rig.ledger()
            .state()
            .ownership(WORKSPACE)
            .unwrap()
            .offer
            .is_none()
    );
    assert!(!row(&rig, operator()).held);
}

#[test]
fn an_agent_offers_where_it_works_and_answers_nothing() {
    let rig = rig();
    let agent = |workspace: &str| {
        Caller::Agent(countersign_web::desk::Agent {
            token: "t1".to_owned(),
            agent: "hermes".to_owned(),
            workspaces: vec![workspace.to_owned()],
        })
    };
    let offered = |who: &Caller| {
        let made = rig.desk().offer_ownership(who, WORKSPACE, to("priya"));
        rig.wait(made)
    };
    assert!(matches!(
        offered(&agent("other")),
        Err(DeskError::NotFound(_))
    ));
    let made = offered(&agent(WORKSPACE)).unwrap();
    assert_eq!(
        made.claim_url, None,
        "it could answer in the name of the person"
    );
    answer(&rig, &Claimant::Person(person("priya")), true).unwrap();
    assert!(matches!(
        offered(&agent(WORKSPACE)),
        Err(DeskError::NotAllowed(_))
    ));
}

#[test]
fn agents_lose_their_locks_and_hand_nothing_over_until_it_is_theirs_again() {
    let rig = rig();
    let hermes = Actor::Agent {
        name: "hermes".to_owned(),
        principal: Principal::Operator,
    };
    let lock = |path: &str| {
        let pattern = Pattern::read(path, Some(Kind::Folder)).unwrap();
        let request = LockRequest {
            path: pattern.as_str().to_owned(),
            kind: pattern.kind(),
            mode: Mode::Exclusive,
            ttl_seconds: 600,
            reason: None,
            process: None,
            key: None,
            file: None,
        };
        let locks = rig.locks().clone();
        let taken = locks.acquire(hermes.clone(), WORKSPACE, pattern, request, false);
        rig.wait(taken)
    };
    lock("reports").unwrap();
    offer(&rig, "priya");
    answer(&rig, &Claimant::Person(person("priya")), true).unwrap();
    assert_eq!(rig.count("lock.broken"), 1);
    let refused = lock("reports").unwrap_err().to_string();
    assert!(refused.contains("agents may only read"), "{refused}");
    rig.write("run/report.md", "the report");
    rig.deliver("run/handoff.json", handoff("Release it", &["report.md"]));
    assert_eq!(rig.cards().len(), 0);
    let dead = rig.dead();
    assert_eq!(dead[0].0, "workspace_taken_over", "{dead:?}");
    give_back(&rig, &operator()).unwrap();
    rig.deliver(
        "run/handoff.json",
        handoff("Release it now", &["report.md"]),
    );
    assert_eq!(rig.cards().len(), 1);
    assert!(lock("reports").is_ok());
}

/// A folder of an agent, with all that could lead elsewhere.
struct Ground {
    folder: tempfile::TempDir,
    outside: tempfile::TempDir,
    open: File,
}

impl Ground {
    fn lay() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("draft/deep")).unwrap();
        fs::create_dir_all(at("approved/H-1")).unwrap();
        fs::create_dir_all(at("inbox/hermes")).unwrap();
        for name in [
            "draft/a.md",
            "draft/deep/b.md",
            "open.md",
            "approved/H-1/done.md",
        ] {
            fs::write(at(name), name).unwrap();
        }
        fs::set_permissions(at("draft/a.md"), Permissions::from_mode(0o666)).unwrap();
        fs::set_permissions(at("draft"), Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(at("inbox"), Permissions::from_mode(0o711)).unwrap();
        for name in ["secret", "lent"] {
            fs::write(outside.path().join(name), name).unwrap();
        }
        symlink(outside.path().join("secret"), at("link.md")).unwrap();
        fs::hard_link(outside.path().join("lent"), at("lent.md")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let open = File::options().append(true).open(at("open.md")).unwrap();
        Self {
            folder,
            outside,
            open,
        }
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn root(&self) -> Dir {
        Dir::open(self.folder.path()).unwrap()
    }
}

fn left(done: &Settlement) -> Vec<&str> {
    done.left.iter().map(|one| one.path.as_str()).collect()
}

#[test]
fn every_byte_is_the_persons_and_nothing_foreign_is_touched() {
    if !is_root() {
        skip("only the superuser gives files away");
        return;
    }
    let ground = Ground::lay();
    for name in [
        "",
        "draft",
        "draft/a.md",
        "draft/deep",
        "draft/deep/b.md",
        "open.md",
        "link.md",
        "pipe",
    ] {
        lchown(ground.at(name), Some(HERMES), Some(HERMES)).unwrap();
    }
    fs::write(ground.at("unknown.md"), "?").unwrap();
    chown(ground.at("unknown.md"), Some(60_000), None).unwrap();
    let terms = Terms {
        to: Account {
            uid: PRIYA,
            gid: PRIYA,
        },
        known: [0, HERMES, PRIYA].into(),
        agents: [HERMES].into(),
        is_root: true,
    };
    let listing = Listing::of(&ground.root()).unwrap();
    let listing = Listing::of_bytes(&listing.to_bytes()).unwrap();
    let done = to_person(&ground.root(), &terms);
    let mut names = left(&done);
    names.sort_unstable();
    assert_eq!(names, ["lent.md", "pipe", "unknown.md"]);
    assert_eq!(
        (done.files, done.folders, done.copied),
        (4, 3, 1),
        "{done:?}"
    );
    assert_eq!(look(&ground.at("")).0, PRIYA);
    assert_eq!(look(&ground.at("draft")), (PRIYA, 0o755));
    assert_eq!(look(&ground.at("draft/a.md")), (PRIYA, 0o644));
    assert_eq!(look(&ground.at("draft/deep/b.md")).0, PRIYA);
    assert_eq!(look(&ground.at("link.md")).0, PRIYA);
    assert_eq!(look(&ground.at("inbox")).1, 0o700);
    // The rooms of the daemon stay its own.
    assert_eq!(look(&ground.at("approved/H-1/done.md")).0, 0);
    // What is outside was not reached by a link of either kind.
    assert_eq!(look(&ground.outside.path().join("secret")).0, 0);
    assert_eq!(look(&ground.outside.path().join("lent")).0, 0);
    assert_eq!(look(&ground.at("unknown.md")).0, 60_000);
    // A descriptor that was kept open writes into what no longer has a name.
    (&ground.open).write_all(b" and more").unwrap();
    assert_eq!(fs::read_to_string(ground.at("open.md")).unwrap(), "open.md");
    // Done again, as after a crash, it changes nothing.
    let again = to_person(&ground.root(), &terms);
    assert_eq!((again.files, again.folders, again.copied), (4, 3, 0));

    fs::write(ground.at("draft/new.md"), "by the person").unwrap();
    chown(ground.at("draft/new.md"), Some(PRIYA), Some(PRIYA)).unwrap();
    let back = to_agents(&ground.root(), &terms, &listing);
    assert_eq!(left(&back), Vec::<&str>::new(), "{back:?}");
    assert_eq!(look(&ground.at("")).0, HERMES);
    assert_eq!(look(&ground.at("draft")), (HERMES, 0o777));
    assert_eq!(look(&ground.at("draft/a.md")), (HERMES, 0o666));
    assert_eq!(look(&ground.at("draft/new.md")).0, HERMES);
    assert_eq!(look(&ground.at("link.md")).0, HERMES);
    assert_eq!(look(&ground.at("inbox")).1, 0o711);
    assert_eq!(look(&ground.at("unknown.md")).0, 60_000);
}

#[test]
fn without_the_superuser_only_rights_to_write_are_taken_and_it_is_said() {
    let ground = Ground::lay();
    let own = rustix::process::geteuid().as_raw();
    let terms = Terms {
        to: Account { uid: own, gid: own },
        known: [own].into(),
        agents: [].into(),
        is_root: false,
    };
    if is_root() {
        chown(ground.at("draft/deep"), Some(HERMES), None).unwrap();
    }
    let listing = Listing::of(&ground.root()).unwrap();
    let done = to_person(&ground.root(), &terms);
    assert_eq!(done.user, None);
    assert_eq!(look(&ground.at("draft")), (own, 0o755));
    assert_eq!(look(&ground.at("draft/a.md")), (own, 0o644));
    if is_root() {
        let why = &done.left.iter().find(|one| one.path == "draft/deep");
        assert!(why.unwrap().why.contains("only the superuser"), "{done:?}");
    }
    to_agents(&ground.root(), &terms, &listing);
    assert_eq!(look(&ground.at("draft")), (own, 0o777));
    assert_eq!(look(&ground.at("draft/a.md")), (own, 0o666));
}

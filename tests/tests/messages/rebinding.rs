//! A webhook whose name changes its mind, end to end: a daemon with a real resolver asks a real name server, which
//! says something else each time.

use std::{
    net::{TcpListener, UdpSocket},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use countersign_tests::{bed::TestBed, hook::Hook, skip::skip};

/// Where the name server of the test listens; only the superuser may.
const SERVER: &str = "127.0.0.89";
const NAME: &str = "rebind.test";
/// What the name means, one after the other: everything that is inside some house.
const MEANINGS: [[u8; 4]; 5] = [
    [127, 0, 0, 1],
    [10, 0, 0, 1],
    [169, 254, 169, 254],
    [192, 168, 1, 1],
    [127, 0, 0, 1],
];
/// So often the webhook is tried.
const TRIES: usize = 5;

/// The question of `query` with `address` as its answer, where that is of the kind that was asked for (RFC 1035,
/// section 4.1).
fn answer(query: &[u8], address: [u8; 4]) -> Option<Vec<u8>> {
    let name = query.get(12..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(12..12 + name + 5)?;
    let kind = question.get(name + 1..name + 3)?;
    let is_address = kind == [0, 1];
    let mut reply = query.get(..2)?.to_vec();
    reply.extend([0x81, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0]);
    reply.extend(question);
    if is_address {
        // The name of the question, an address, of the internet, for no time at all.
        reply.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        reply.extend(address);
    }
    Some(reply)
}

/// Answers each question for an address with the next meaning; gives how many there were.
fn serve(socket: UdpSocket) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let at = count.load(Ordering::SeqCst) % MEANINGS.len();
            let Some(reply) = answer(&buffer[..length], MEANINGS[at]) else {
                continue;
            };
            // Questions for the other kind of address are none.
            count.fetch_add(usize::from(reply[7] == 1), Ordering::SeqCst);
            let _ = socket.send_to(&reply, from);
        }
    });
    asked
}

/// Lets every program of the bed ask our name server, and no other program.
#[expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
fn ask_here(bed: &mut TestBed) {
    let resolver = bed.home.join("resolv.conf");
    let text = format!("nameserver {SERVER}\noptions timeout:1 attempts:1\n");
    std::fs::write(&resolver, text).expect("a disk");
    let script = format!(
        "mount --bind '{}' /etc/resolv.conf && exec \"$0\" \"$@\"",
        resolver.display()
    );
    let wrapper = ["unshare", "--mount", "sh", "-c", &script];
    bed.launch.wrapper = wrapper.map(str::to_owned).to_vec();
}

#[test]
fn a_webhook_whose_name_changes_its_mind_never_connects() {
    let Ok(socket) = UdpSocket::bind((SERVER, 53)) else {
        skip("only the superuser answers for names");
        return;
    };
    if !Path::new("/etc/resolv.conf").exists() {
        skip("this machine asks for no names");
        return;
    }
    let asked = serve(socket);
    let inside = TcpListener::bind("127.0.0.1:0").expect("loopback");
    inside.set_nonblocking(true).expect("a socket");
    let port = inside.local_addr().expect("an address").port();
    let hook = Hook::kind();
    let open = hook.section("open", "");
    let address = open
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    let open = open.replace(
        address.expect("an address"),
        &format!("{NAME}:{}", hook_port(&hook)),
    );
    let text = format!(
        "[[webhook]]\nname = \"ci\"\nurl = \"http://{NAME}:{port}/ci\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n{open}"
    );
    let mut bed = TestBed::prepare().configured(&text);
    ask_here(&mut bed);
    bed.up();
    for _ in 0..TRIES {
        let (_, output, errors) = bed.run(&["notify", "test", "--channel", "ci"]);
        let said = format!("{output}{errors}");
        assert!(said.contains("inside your house"), "{said}");
    }
    let questions = asked.load(Ordering::SeqCst);
    assert!(questions >= TRIES, "it was asked {questions} times");
    assert!(
        inside.accept().is_err(),
        "somebody knocked inside the house"
    );
    // The name server and the name are real: who allows it is connected to what the name means first.
    asked.store(0, Ordering::SeqCst);
    let (_, output, errors) = bed.run(&["notify", "test", "--channel", "open"]);
    assert!(hook.connections() > 0, "{output}{errors}");
    hook.stop();
}

fn hook_port(hook: &Hook) -> String {
    let section = hook.section("open", "");
    let rest = section.split("http://").nth(1).unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit(':').next().unwrap_or_default().to_owned()
}

//! An agent has a terminal of its own: it cannot type into ours, nor read what is typed in others.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use countersign_tests::{repo, wait};
use rustix::{
    pty::OpenptFlags,
    termios::{Winsize, tcsetwinsize},
};

use super::{Setting::SameUserConfined, Theatre};

/// A terminal with a command at it, and what it shows.
struct Session {
    master: OwnedFd,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Session {
    /// Starts `command` in a session of its own at a new terminal of 33 lines and 101 columns.
    fn start(command: &Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let master = rustix::pty::openpt(flags).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
        resize(&master, 33, 101);
        let stream = || Stdio::from(slave.try_clone().unwrap());
        let mut session = Command::new("setsid");
        session
            .args(["--ctty", "--wait"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(command.get_current_dir().unwrap())
            .stdin(stream())
            .stdout(stream())
            .stderr(stream());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        let child = session.spawn().unwrap();
        drop((session, slave));
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut reads, seen) = (File::from(master.try_clone().unwrap()), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = reads.read(&mut bytes) {
                seen.lock().unwrap().extend(&bytes[..read]);
            }
        });
        Self {
            master,
            child,
            shown,
        }
    }

    fn type_in(&self, keys: &str) {
        let mut master = File::from(self.master.try_clone().unwrap());
        master.write_all(keys.as_bytes()).unwrap();
    }

    fn shows(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    fn until(&self, text: &str) {
        let shown = wait::within(wait::LIMIT, || self.shows().contains(text).then_some(()));
        assert!(
            shown.is_some(),
            "no {text:?} on the terminal: {}",
            self.shows()
        );
    }

    fn ends(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

fn resize(terminal: &OwnedFd, rows: u16, columns: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).unwrap();
}

fn at_a_terminal(theatre: &Theatre, words: &[&str]) -> Session {
    let mut command = theatre.run(&["--require"]);
    command.arg("--").args(words);
    Session::start(&command)
}

#[test]
fn relays_input_output_size_and_signals() {
    let theatre = Theatre::open(SameUserConfined);
    let script = "tty; stty size; until test \"$(stty size)\" = '44 55'; do sleep 0.01; done; \
                  echo resized; read line; echo \"got $line\"; sleep 1000";
    let mut session = at_a_terminal(&theatre, &["sh", "-c", script]);
    session.until("/dev/console\r\n33 101\r\n");
    resize(&session.master, 44, 55);
    session.until("resized");
    session.type_in("a word\r");
    session.until("got a word");
    // What Ctrl-C means is up to the agent's terminal; `run` ends as the agent does.
    session.type_in("\x03");
    assert_eq!(session.ends().signal(), Some(libc::SIGINT));
}

#[test]
fn leaves_pipes_alone() {
    let theatre = Theatre::open(SameUserConfined);
    let mut command = theatre.run(&["--require"]);
    let script = "test -t 0 || echo piped; cat; exit 7";
    command
        .args(["--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"one\ntwo\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"piped\none\ntwo\n");
    assert_eq!(output.status.code(), Some(7));
}

/// CVE-2017-5226 and its kin: words that a program types into the terminal that started it.
#[test]
fn types_into_no_terminal_of_ours() {
    let theatre = Theatre::open(SameUserConfined);
    // Another terminal of the same user, at which somebody types.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let other = rustix::pty::openpt(flags).unwrap();
    rustix::pty::unlockpt(&other).unwrap();
    let name = rustix::pty::ptsname(&other, Vec::new()).unwrap();
    let name = name.to_str().unwrap();
    if super::is_root() {
        std::os::unix::fs::chown(name, Some(super::HERMES), None).unwrap();
    }
    let code = repo::read("tests/data/terminal-attack.pl");
    let mut session = at_a_terminal(&theatre, &["perl", "-e", &code, name]);
    session.until("END");
    let shown = session.shows();
    assert!(session.ends().success(), "{shown}");
    for way in [
        "stdin",
        "stdout",
        "tty",
        "high bits",
        "console",
        "selection",
        "other",
        "name",
    ] {
        assert!(shown.contains(&format!("{way}: refused")), "{way}: {shown}");
    }
}

//! Workspaces and sealed work as a network folder, used by programs that are not ours: rclone, also as a true
//! mount of the kernel's, and cadaver.

#![expect(clippy::disallowed_methods, reason = "the scene is set on the disk")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use countersign_tests::{agent::Care, bed::TestBed, skip::skip, wait};

const SIZE: usize = 24 * 1024 * 1024 + 7;

/// Bytes of which no two pieces are the same.
fn film() -> Vec<u8> {
    let words =
        (0u64..).flat_map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    words.take(SIZE).collect()
}

/// A film that waits for a person, beside a workspace that goes on changing.
fn scene() -> TestBed {
    let bed = TestBed::start();
    let agent = bed.agent("ada");
    let package = agent
        .package("Cut the film")
        .sealed_file("clips/the film.mp4", film())
        .file("notes/ü & <b>.md", "# Notes\n");
    let delivery = agent.write("run", &package, Care::Rename).unwrap();
    delivery.receipt();
    std::fs::write(bed.workspace().join("run/clips/the film.mp4"), "other").unwrap();
    std::os::unix::fs::symlink("/etc", bed.workspace().join("etc")).unwrap();
    bed
}

fn token(bed: &TestBed) -> String {
    bed.endpoint().token.clone()
}

/// rclone, told of the folder as `cs:`.
fn rclone(bed: &TestBed, args: &[&str]) -> Command {
    let obscured = Command::new("rclone")
        .args(["obscure", &token(bed)])
        .output()
        .unwrap();
    let mut command = Command::new("rclone");
    command
        .args([
            "--config",
            "/dev/null",
            "--retries",
            "1",
            "--low-level-retries",
            "1",
        ])
        .args(args)
        .env("RCLONE_CONFIG_CS_TYPE", "webdav")
        .env("RCLONE_CONFIG_CS_VENDOR", "other")
        .env("RCLONE_CONFIG_CS_URL", format!("{}/dav", bed.http().base()))
        .env("RCLONE_CONFIG_CS_USER", "anybody")
        .env(
            "RCLONE_CONFIG_CS_PASS",
            String::from_utf8(obscured.stdout).unwrap().trim(),
        );
    command
}

/// What rclone prints.
fn printed(bed: &TestBed, args: &[&str]) -> Vec<u8> {
    let output = rclone(bed, args).output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "rclone {args:?}: {why}");
    output.stdout
}

#[test]
fn rclone_lists_reads_parts_and_writes_nothing() {
    let bed = scene();
    let sealed = printed(&bed, &["lsf", "-R", "--format", "sp", "cs:review"]);
    let mut sealed: Vec<_> = std::str::from_utf8(&sealed).unwrap().lines().collect();
    sealed.sort_unstable();
    assert_eq!(
        sealed,
        [
            "-1;H-1/",
            "-1;H-1/clips/",
            "-1;H-1/notes/",
            "25165831;H-1/clips/the film.mp4",
            "8;H-1/notes/ü & <b>.md",
        ]
    );
    let live = printed(&bed, &["lsf", "cs:workspaces/work"]);
    assert_eq!(
        String::from_utf8(live).unwrap(),
        "run/\n",
        "no link, no room of the daemon"
    );

    let film = film();
    let part = printed(
        &bed,
        &[
            "cat",
            "--offset",
            "20000001",
            "--count",
            "70000",
            "cs:review/H-1/clips/the film.mp4",
        ],
    );
    assert!(part == film[20_000_001..20_070_001], "{} bytes", part.len());
    let whole = printed(&bed, &["cat", "cs:review/H-1/clips/the film.mp4"]);
    assert!(whole == film, "{} bytes", whole.len());
    let now = printed(&bed, &["cat", "cs:workspaces/work/run/clips/the film.mp4"]);
    assert_eq!(now, b"other", "what the agent has there by now");

    let before = printed(&bed, &["lsf", "-R", "cs:"]);
    let mine = bed.home.join("mine");
    std::fs::write(&mine, "mine").unwrap();
    let mine = mine.to_str().unwrap();
    for change in [
        &["copyto", mine, "cs:workspaces/work/new.md"][..],
        &["copyto", mine, "cs:review/H-1/clips/the film.mp4"],
        &["mkdir", "cs:workspaces/work/new"],
        &["deletefile", "cs:workspaces/work/run/handoff.json"],
        &["purge", "cs:workspaces/work/run"],
        &[
            "moveto",
            "cs:workspaces/work/run",
            "cs:workspaces/work/away",
        ],
    ] {
        let output = rclone(&bed, change).output().unwrap();
        assert!(!output.status.success(), "{change:?}");
    }
    assert_eq!(printed(&bed, &["lsf", "-R", "cs:"]), before);
}

/// A folder under which the kernel sees what rclone serves; given back when dropped.
struct Mounted {
    folder: PathBuf,
    program: Child,
}

impl Mounted {
    fn new(bed: &TestBed) -> Self {
        let folder = bed.home.join("desktop");
        std::fs::create_dir(&folder).unwrap();
        let place = folder.to_str().unwrap();
        let mut program = rclone(bed, &["mount", "--dir-cache-time", "0s", "cs:", place])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait::until("the folder is mounted", || {
            if let Some(status) = program.try_wait().unwrap() {
                let mut why = String::new();
                program
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut why)
                    .unwrap();
                panic!("rclone mount: {status}: {why}");
            }
            folder.join("workspaces").exists().then_some(())
        });
        Self { folder, program }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // rclone would go on trying to send what nobody takes.
        let _ = Command::new("fusermount3")
            .arg("-uz")
            .arg(&self.folder)
            .status();
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn a_film_is_played_from_the_mounted_folder_without_being_downloaded() {
    if File::options()
        .read(true)
        .write(true)
        .open("/dev/fuse")
        .is_err()
    {
        skip("mounting by FUSE takes /dev/fuse and the right to open it");
        return;
    }
    let bed = scene();
    let mounted = Mounted::new(&bed);
    let at = |path: &str| mounted.folder.join(path);
    let film = film();
    let mut played = File::open(at("review/H-1/clips/the film.mp4")).unwrap();
    assert_eq!(played.metadata().unwrap().len(), SIZE as u64);
    let mut piece = [0; 4_096];
    for place in [0, SIZE - 4_096, SIZE / 2] {
        played.read_exact_at(&mut piece, place as u64).unwrap();
        assert!(piece[..] == film[place..place + 4_096], "at {place}");
    }
    played.seek(SeekFrom::End(0)).unwrap();
    assert_eq!(played.read(&mut piece).unwrap(), 0);

    // What the agent writes is on the desktop at once.
    std::fs::write(bed.workspace().join("run/next.md"), "soon").unwrap();
    let next = at("workspaces/work/run/next.md");
    assert_eq!(std::fs::read_to_string(&next).unwrap(), "soon");
    let names: Vec<_> = std::fs::read_dir(at("workspaces/work"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["run"]);

    for change in [
        std::fs::remove_file as fn(PathBuf) -> _,
        std::fs::create_dir,
    ] {
        assert!(change(at("workspaces/work/run/next.md")).is_err());
    }
    // rclone sends a file when it is closed, and whoever closed it does not hear how that went.
    if let Ok(mut file) = File::create(at("workspaces/work/run/mine.md")) {
        let _ = file.write_all(b"mine");
    }
    drop(mounted);
    assert!(!bed.workspace().join("run/mine.md").exists());
    assert_eq!(
        std::fs::read(bed.workspace().join("run/next.md")).unwrap(),
        b"soon"
    );
}

#[test]
fn cadaver_lists_and_fetches() {
    let bed = scene();
    let base = bed.http().base().to_owned();
    let host = base.strip_prefix("http://").unwrap();
    let (name, _) = host.split_once(':').unwrap();
    std::fs::write(
        bed.home.join(".netrc"),
        format!("machine {name} login anybody password {}\n", token(&bed)),
    )
    .unwrap();
    let mut cadaver = Command::new("cadaver")
        .arg(format!("{base}/dav/"))
        .env("HOME", &bed.home)
        .current_dir(&bed.home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let script =
        "cd review/H-1/clips\nls\nget \"the film.mp4\" film\ndelete \"the film.mp4\"\nquit\n";
    cadaver
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = cadaver.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        told.contains("the film.mp4") && told.contains("25165831"),
        "{told}"
    );
    assert!(told.contains("403"), "what is deleted by nobody: {told}");
    let fetched = std::fs::read(Path::new(&bed.home).join("film")).unwrap();
    assert!(fetched == film(), "{} bytes: {told}", fetched.len());
}

//! Attacks on the files of a workspace, and on the daemon and its folder.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt as _, PermissionsExt as _, chown, symlink},
    path::Path,
    process::Command,
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Attack, HERMES, Target, attack};

fn write(path: &Path) -> io::Result<()> {
    File::options().write(true).open(path)?.write_at(b"X", 0)?;
    Ok(())
}

fn touch(path: &Path) -> io::Result<()> {
    File::options()
        .write(true)
        .create_new(true)
        .open(path)
        .map(drop)
}

fn listed(path: &Path) -> io::Result<()> {
    let found = fs::read_dir(path)?.count();
    // An empty folder gives nothing away.
    if found == 0 {
        Err(io::ErrorKind::NotFound.into())
    } else {
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<()> {
    fs::read(path).map(drop)
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Attacks on what is in the workspace and on the daemon, in any setting.
pub(super) const ATTACKS: &[Attack] = &[
    attack("write into an approved file", Target::Release, |s| {
        write(&s.report())
    }),
    attack("empty an approved file", Target::Release, |s| {
        File::options()
            .write(true)
            .truncate(true)
            .open(s.report())
            .map(drop)
    }),
    attack("cut an approved file short", Target::Release, |s| {
        File::options().write(true).open(s.report())?.set_len(1)
    }),
    attack(
        "make an approved file writable, then write",
        Target::Release,
        |s| {
            fs::set_permissions(s.report(), fs::Permissions::from_mode(0o666))?;
            write(&s.report())
        },
    ),
    attack(
        "change the mode of an approved file",
        Target::Release,
        |s| fs::set_permissions(s.report(), fs::Permissions::from_mode(0o4555)),
    ),
    attack("take an approved file over", Target::Release, |s| {
        chown(s.report(), Some(HERMES), Some(HERMES))
    }),
    attack("remove an approved file", Target::Release, |s| {
        fs::remove_file(s.report())
    }),
    attack("move an approved file away", Target::Release, |s| {
        fs::rename(s.report(), s.area().join("stolen"))
    }),
    attack(
        "rename an approved file in its folder",
        Target::Release,
        |s| fs::rename(s.report(), s.folder().join("Report.md")),
    ),
    attack("move a file over an approved one", Target::Release, |s| {
        fs::rename(s.own()?, s.report())
    }),
    attack(
        "exchange an approved file for another",
        Target::Release,
        |s| exchange(&s.own()?, &s.report()),
    ),
    attack(
        "put a link in the place of an approved file",
        Target::Release,
        |s| {
            let link = s.area().join("link");
            symlink("/etc/hostname", &link)?;
            fs::rename(link, s.report())
        },
    ),
    attack("add a file to a release", Target::Release, |s| {
        touch(&s.folder().join("evil.sh"))
    }),
    attack("add a folder to a release", Target::Release, |s| {
        fs::create_dir(s.folder().join("evil"))
    }),
    attack("add a hard link to a release", Target::Release, |s| {
        fs::hard_link(s.own()?, s.folder().join("evil"))
    }),
    attack(
        "link an approved file elsewhere and write there",
        Target::Release,
        |s| {
            let elsewhere = s.area().join("same");
            fs::hard_link(s.report(), &elsewhere)?;
            fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o644))?;
            write(&elsewhere)
        },
    ),
    attack(
        "open an approved file again through /proc",
        Target::Release,
        |s| {
            use std::os::fd::AsRawFd as _;
            let opened = File::open(s.report())?;
            write(Path::new(&format!("/proc/self/fd/{}", opened.as_raw_fd())))
        },
    ),
    attack(
        "make the folder of a release writable",
        Target::Release,
        |s| fs::set_permissions(s.folder(), fs::Permissions::from_mode(0o777)),
    ),
    attack("forge the list of sums", Target::Release, |s| {
        fs::rename(s.own()?, s.folder().join("SHA256SUMS"))
    }),
    attack("remove a release", Target::Release, |s| {
        for one in fs::read_dir(s.folder())? {
            fs::remove_file(one?.path())?;
        }
        match fs::remove_dir(s.folder()) {
            // Its files were put right before the folder could go.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => removed,
        }
    }),
    attack("move a release away", Target::Release, |s| {
        fs::rename(s.folder(), s.area().join("stolen release"))
    }),
    attack("cover a release by a mount", Target::Release, |s| {
        let done = Command::new("/usr/bin/mount")
            .args(["--bind", "/tmp"])
            .arg(s.folder())
            .output()?;
        if done.status.success() {
            Ok(())
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }),
    attack("make a release up", Target::Approved, |s| {
        fs::create_dir(s.approved().join("H-777"))?;
        fs::write(s.approved().join("H-777/evil.sh"), "forged")
    }),
    attack("put a FIFO into approved/", Target::Approved, |s| {
        rustix::fs::mknodat(
            CWD,
            s.approved().join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o666),
            0,
        )?;
        Ok(())
    }),
    attack(
        "put a folder in the place of approved/",
        Target::Approved,
        |s| {
            fs::rename(s.approved(), s.workspace.join("approved.old"))?;
            fs::create_dir(s.approved())
        },
    ),
    attack(
        "put a link in the place of approved/",
        Target::Approved,
        |s| {
            fs::rename(s.approved(), s.workspace.join("approved.older"))?;
            symlink("/tmp", s.approved())
        },
    ),
    attack("list whose boxes there are", Target::Inbox, |s| {
        listed(&s.workspace.join("inbox"))
    }),
    attack("list the box of another agent", Target::Inbox, |s| {
        listed(&s.inbox("ares"))
    }),
    attack("read what another agent delivered", Target::Inbox, |s| {
        read(&s.delivery())
    }),
    attack(
        "write into what another agent delivered",
        Target::Inbox,
        |s| write(&s.delivery()),
    ),
    attack("remove what another agent delivered", Target::Inbox, |s| {
        fs::remove_file(s.delivery())
    }),
    attack(
        "move away what another agent delivered",
        Target::Inbox,
        |s| fs::rename(s.delivery(), s.area().join("stolen delivery")),
    ),
    attack(
        "move a file over what another agent delivered",
        Target::Inbox,
        |s| fs::rename(s.own()?, s.delivery()),
    ),
    attack("add to the box of another agent", Target::Inbox, |s| {
        fs::rename(s.own()?, s.inbox("ares").join("planted"))
    }),
    attack("move the box of another agent away", Target::Inbox, |s| {
        fs::rename(s.inbox("ares"), s.area().join("stolen box"))
    }),
    attack(
        "put a link in the place of its own box",
        Target::Inbox,
        |s| {
            fs::rename(s.inbox("hermes"), s.workspace.join("inbox/hermes.old"))?;
            symlink("/etc", s.inbox("hermes"))
        },
    ),
    attack("forge a decision on record", Target::Record, |s| {
        let record = s.workspace.join(".countersign/handoffs").join(&s.release);
        fs::rename(s.own()?, record.join("decision.r1.json"))
    }),
    attack("remove what the daemon wrote", Target::Record, |s| {
        let record = s.workspace.join(".countersign/handoffs").join(&s.release);
        fs::remove_file(record.join("feedback.md"))
    }),
    attack("move the folder of the daemon away", Target::Record, |s| {
        fs::rename(s.workspace.join(".countersign"), s.workspace.join("gone"))?;
        fs::rename(s.workspace.join("gone"), s.workspace.join(".countersign"))
    }),
    attack("look into the quarantine", Target::Record, |s| {
        listed(&s.workspace.join(".countersign/quarantine"))
    }),
    attack("list another workspace", Target::Foreign, |s| {
        listed(&s.other)
    }),
    attack("read a file of another workspace", Target::Foreign, |s| {
        read(&s.other.join("secret.md"))
    }),
    attack("write into another workspace", Target::Foreign, |s| {
        touch(&s.other.join("planted"))
    }),
    attack("read the key of the operator", Target::Foreign, |s| {
        read(&s.data.join("daemon.json"))
    }),
    attack("read the ledger", Target::Foreign, |s| {
        read(&s.data.join("ledger.db"))
    }),
    attack("write into the ledger", Target::Foreign, |s| {
        write(&s.data.join("ledger.db"))
    }),
    attack("list the sealed files", Target::Foreign, |s| {
        listed(&s.data.join("objects"))
    }),
    attack("read the environment of the daemon", Target::Foreign, |s| {
        read(&s.of_daemon("environ"))
    }),
    attack(
        "reach through the root of the daemon",
        Target::Foreign,
        |s| {
            let below = s.data.strip_prefix("/").unwrap_or(&s.data);
            read(&s.of_daemon("root").join(below).join("daemon.json"))
        },
    ),
    attack("open what the daemon has open", Target::Foreign, |s| {
        {
            // That there are some can be seen; what they are cannot.
            let opened = fs::read_dir(s.of_daemon("fd"))?
                .flatten()
                .any(|one| File::open(one.path()).is_ok());
            if opened {
                Ok(())
            } else {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
    }),
    attack("read the memory of the daemon", Target::Foreign, |s| {
        File::open(s.of_daemon("mem")).map(drop)
    }),
    attack("send a signal to the daemon", Target::Foreign, |s| {
        let pid = s.daemon().ok_or(io::ErrorKind::NotFound)?;
        Ok(rustix::process::test_kill_process(pid)?)
    }),
];

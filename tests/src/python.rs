//! Tools that come as packages of Python, each in an environment of its own below `target/`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::repo;

/// The folder of programs of the environment `target/NAME`, which has `module`; what `pip install` needs for it,
/// releases and options, is installed when it is missing.
///
/// # Panics
/// When Python, its module `venv` or the registry of packages is not there.
pub fn environment(name: &str, module: &str, install: &[&str]) -> PathBuf {
    let folder = repo::root().join("target").join(name);
    let programs = folder.join("bin");
    let python = programs.join("python");
    if !succeeds(&python, &["-c", &format!("import {module}")]) {
        let place = folder.to_str().expect("the repository has a plain name");
        assert!(
            succeeds(Path::new("python3"), &["-m", "venv", place]),
            "python3 -m venv works"
        );
        let pip = [&["-m", "pip", "install", "--quiet"], install].concat();
        assert!(succeeds(&python, &pip), "pip installs {install:?}");
    }
    programs
}

/// Whether it ends well; what it has to say of an import that fails is no news.
fn succeeds(program: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments);
    if arguments[0] == "-c" {
        command.stderr(Stdio::null());
    }
    command.status().is_ok_and(|status| status.success())
}

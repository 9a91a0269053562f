//! What the operator may count on: layers, origins, and every refusal.

use std::{fs, path::Path};

use super::*;

struct Bed(tempfile::TempDir);

impl Bed {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "the test plays the operator")]
    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    #[expect(clippy::disallowed_methods, reason = "the test plays the operator")]
    fn folder(&self, path: &str) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn environment(&self, more: &[(&str, &str)]) -> Environment {
        let state = self.path().join("state").display().to_string();
        let mut all = Environment::default();
        for (name, value) in [("XDG_STATE_HOME", state.as_str()), ("HOME", "/nowhere")]
            .iter()
            .chain(more)
        {
            all.0.insert((*name).to_owned(), (*value).to_owned());
        }
        all
    }

    fn load(&self, text: &str) -> Result<Config, ConfigErrors> {
        let file = self.write("countersign.toml", text);
        let flags = Flags {
            config: Some(file),
            ..Flags::default()
        };
        Config::load(&flags, &self.environment(&[]))
    }

    fn refusal(&self, text: &str) -> ConfigError {
        let mut errors = self.load(text).unwrap_err().0;
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.remove(0)
    }
}

fn serve(folders: &[&Path]) -> Flags {
    Flags {
        roots: folders.iter().map(|path| path.to_path_buf()).collect(),
        ..Flags::default()
    }
}

#[test]
fn everything_has_a_default_and_the_reference_says_the_same() {
    let bed = Bed::new();
    let environment = bed.environment(&[("USER", "maya")]);
    let bare = Config::load(&Flags::default(), &environment).unwrap();
    let values = |config: &Config| -> Vec<(String, Json)> {
        config
            .entries()
            .into_iter()
            .map(|entry| (entry.key, entry.value))
            .collect()
    };
    let file = bed.write("countersign.toml", REFERENCE);
    let flags = Flags {
        config: Some(file),
        ..Flags::default()
    };
    let reference = Config::load(&flags, &environment).unwrap();
    assert_eq!(values(&bare), values(&reference));
    assert_eq!(
        bare.server.data_dir.value,
        bed.path().join("state/countersign")
    );
}

/// The lines that are commented out in the reference are keys too: they must parse, and those of
/// the workspace must be the defaults.
#[test]
fn the_commented_lines_of_the_reference_hold() {
    let bed = Bed::new();
    let folder = bed.folder("reports");
    let text: String = REFERENCE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.split_once(" = ").is_some() => rest,
            _ => line,
        })
        .filter(|line| !line.starts_with("data_dir"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("/srv/reports", folder.to_str().unwrap());
    let stated = bed.load(&text).unwrap();
    let without = Config::load(
        &serve(&[&bed.path().join("reports")]),
        &bed.environment(&[]),
    );
    let plain = without.unwrap().workspace(&folder).unwrap();
    let stated = stated.workspace(&folder).unwrap();
    let values = |workspace: &Workspace| -> Vec<Json> {
        workspace.entries().into_iter().map(|e| e.value).collect()
    };
    assert_eq!(values(&stated), values(&plain));
    assert!(matches!(stated.settle.origin, Origin::File { .. }));
    assert_eq!(plain.settle.origin, Origin::Default);
}

#[test]
fn later_layers_win_and_every_value_knows_its_origin() {
    let bed = Bed::new();
    let file = bed.write(
        "countersign.toml",
        "[server]\nlisten = \"127.0.0.1:1\"\n\n[auth]\nsession = \"1h\"\n",
    );
    let mut flags = Flags {
        config: Some(file.clone()),
        ..Flags::default()
    };
    let listen = |flags: &Flags, variables: &[(&str, &str)]| {
        let config = Config::load(flags, &bed.environment(variables)).unwrap();
        let listen = config.server.listen;
        (listen.value.port(), listen.origin.to_string())
    };
    let in_file = format!("{}:2", file.display());
    assert_eq!(listen(&flags, &[]), (1, in_file));
    let variable = [("COUNTERSIGN_LISTEN", "127.0.0.1:2")];
    assert_eq!(
        listen(&flags, &variable),
        (2, "environment COUNTERSIGN_LISTEN".to_owned())
    );
    flags.listen = Some("127.0.0.1:3".to_owned());
    assert_eq!(listen(&flags, &variable), (3, "flag --listen".to_owned()));
    flags.config = None;
    flags.listen = None;
    assert_eq!(listen(&flags, &[]), (7420, "default".to_owned()));
}

#[test]
fn an_unknown_key_is_an_error_with_its_place_and_the_likely_word() {
    let bed = Bed::new();
    let error = bed.refusal("[server]\nlisten = \"127.0.0.1:1\"\n  pubilc_url = \"x\"\n");
    let place = error.place.unwrap();
    assert_eq!((place.line, place.column, place.width), (3, 3, 10));
    assert_eq!(place.source, "  pubilc_url = \"x\"");
    assert_eq!(error.message, "unknown key `pubilc_url` in `[server]`");
    assert_eq!(error.hint.as_deref(), Some("did you mean `public_url`?"));

    let error = bed.refusal("[sever]\n");
    assert_eq!(error.hint.as_deref(), Some("did you mean `server`?"));
    let error = bed.refusal("[observe]\nzzzzzzzz = 1\n");
    assert_eq!(
        error.hint.as_deref(),
        Some("known here: log, metrics, metrics_token, events, writers, otlp")
    );
    let error = bed.refusal("[server]\ninsecure_public = true\n");
    assert!(error.hint.unwrap().contains("--insecure-public"));
}

#[test]
fn every_wrong_value_is_named_at_once() {
    let bed = Bed::new();
    let text = "version = 2\n[auth]\nsession = \"12 hours\"\n[limits]\nconnections = 0\n\
                [observe]\nlog = \"jsn\"\n";
    let errors = bed.load(text).unwrap_err().to_string();
    for part in [
        "toml:3:11: `auth.session` must be a length of time",
        "toml:5:15: `limits.connections` must be a whole number above 0",
        "toml:7:7: `observe.log` must be one of `text`, `json`; did you mean `json`?",
        "toml:1: `version` is 2",
    ] {
        assert!(errors.contains(part), "{part} in {errors}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_shown_where_it_breaks() {
    let bed = Bed::new();
    let error = bed.refusal("[server]\nlisten = 127.0.0.1:7420\n");
    assert_eq!(error.place.unwrap().line, 2);
    let error = bed.refusal("listen = \"a\"\nlisten = \"b\"\n");
    assert!(error.message.contains("duplicate"), "{error}");
}

#[test]
fn wrong_variables_and_flags_are_named() {
    let bed = Bed::new();
    let environment = bed.environment(&[("COUNTERSIGN_LISTEN", "everywhere")]);
    let error = Config::load(&Flags::default(), &environment)
        .unwrap_err()
        .0
        .remove(0);
    assert!(
        error
            .message
            .starts_with("`COUNTERSIGN_LISTEN` must be an address")
    );
    assert_eq!(error.hint.as_deref(), Some("it is `everywhere`"));
}

#[test]
fn a_variable_that_is_nearly_one_of_ours_is_an_error_and_any_other_is_somebody_elses() {
    let bed = Bed::new();
    let load = |name: &str| Config::load(&Flags::default(), &bed.environment(&[(name, "1")]));
    let error = load("COUNTERSIGN_CONECTIONS").unwrap_err().0.remove(0);
    assert_eq!(
        error.message,
        "the environment variable `COUNTERSIGN_CONECTIONS` is not known"
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("did you mean `COUNTERSIGN_CONNECTIONS`?")
    );
    assert!(load("COUNTERSIGN_ADRESS_OF_NOBODY").is_ok());
    // What an orchestrator gives to containers beside a service of this name, and what we give to commands.
    for name in [
        "PORT",
        "PORT_8080_TCP",
        "SERVICE_HOST",
        "MODE",
        "LOCK",
        "GATE",
    ] {
        let loaded = load(&format!("COUNTERSIGN_{name}"));
        assert!(loaded.is_ok(), "{name}: {loaded:?}");
    }
}

#[test]
fn a_public_address_needs_tls_in_front() {
    let bed = Bed::new();
    let error = bed.refusal("[server]\nlisten = \"0.0.0.0:7420\"\n");
    assert_eq!(
        error.message,
        "refusing to listen on `0.0.0.0:7420` without TLS"
    );
    let half = "[server]\nlisten = \"0.0.0.0:7420\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n";
    assert!(bed.load(half).is_err());
    let whole = format!("{half}public_url = \"https://review.example.org\"\n");
    assert!(bed.load(&whole).is_ok());
    assert!(bed.load("[server]\nlisten = \"[::1]:7420\"\n").is_ok());
    assert!(
        bed.load("[server]\npublic_url = \"http://review.example.org\"\n")
            .is_err()
    );
    assert!(
        bed.load("[server]\npublic_url = \"http://localhost:7420\"\n")
            .is_ok()
    );
    let flags = Flags {
        listen: Some("0.0.0.0:7420".to_owned()),
        insecure_public: true,
        ..Flags::default()
    };
    assert!(Config::load(&flags, &bed.environment(&[])).is_ok());
}

#[test]
fn a_folder_with_settings_is_a_workspace_and_any_other_holds_them() {
    let bed = Bed::new();
    bed.write(
        "one/workspace.toml",
        "name = \"first\"\nclass = \"restricted\"\n",
    );
    let parent = bed.folder("many");
    bed.folder("many/b");
    bed.folder("many/.hidden");
    std::os::unix::fs::symlink(bed.path().join("one"), parent.join("linked")).unwrap();
    bed.write("many/a/workspace.toml", "settle = \"2s\"\n");
    bed.write("many/c/workspace.toml", "setle = \"2s\"\n");
    let flags = serve(&[&bed.path().join("one"), &parent]);
    let config = Config::load(&flags, &bed.environment(&[])).unwrap();
    let kinds: Vec<_> = config.roots.iter().map(|root| root.kind).collect();
    assert_eq!(kinds, [RootKind::Parent, RootKind::Workspace]);
    let found = config.discover();
    let names: Vec<_> = found.workspaces.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "first"]);
    assert_eq!(found.workspaces[0].settle.to_string(), "2s");
    assert_eq!(found.workspaces[2].class.value, Class::Restricted);
    let [(path, errors)] = &found.refused[..] else {
        panic!("{:?}", found.refused);
    };
    assert_eq!(*path, parent.join("c"));
    assert_eq!(errors.0[0].hint.as_deref(), Some("did you mean `settle`?"));
}

#[test]
fn a_folder_that_gets_settings_later_is_a_workspace_then() {
    let bed = Bed::new();
    let folder = bed.folder("reports");
    let config = Config::load(&serve(&[&folder]), &bed.environment(&[])).unwrap();
    assert_eq!(config.folders(), [""; 0].map(std::path::PathBuf::from));
    // As when a file system is mounted on it.
    bed.folder("reports/run");
    bed.write("reports/workspace.toml", "");
    assert_eq!(config.folders(), std::slice::from_ref(&folder));
    let found = config.discover();
    let names: Vec<_> = found.workspaces.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names, ["reports"]);
}

#[test]
fn the_configuration_file_wins_over_the_file_in_the_folder() {
    let bed = Bed::new();
    let folder = bed.folder("reports");
    let inner = bed.write(
        "reports/workspace.toml",
        "class = \"public\"\nmax_files = 5\n",
    );
    let config = bed
        .load("[[workspace]]\npath = \"reports\"\nclass = \"restricted\"\n")
        .unwrap();
    let workspace = config.workspace(&folder).unwrap();
    assert_eq!(workspace.class.value, Class::Restricted);
    assert_eq!(workspace.max_files.value, 5);
    assert_eq!(
        workspace.max_files.origin,
        Origin::File {
            path: inner,
            line: 2
        }
    );
}

#[test]
fn folders_that_do_not_belong_together_are_refused() {
    let bed = Bed::new();
    let outer = bed.folder("outer");
    let inner = bed.folder("outer/inner");
    bed.write("x/reports/workspace.toml", "");
    bed.write("y/reports/workspace.toml", "");
    bed.folder("state/countersign/inside");
    let link = bed.path().join("link");
    std::os::unix::fs::symlink(&outer, &link).unwrap();
    let plain = bed.write("plain", "");
    let refusal = |folders: &[&Path]| {
        let result = Config::load(&serve(folders), &bed.environment(&[]));
        result.unwrap_err().to_string()
    };
    let at = |path: &str| bed.path().join(path);
    assert!(refusal(&[&outer, &inner]).contains("lies inside"));
    assert!(refusal(&[&outer, &outer]).contains("lies inside"));
    assert!(refusal(&[&link]).contains("symbolic link"));
    assert!(refusal(&[&plain]).contains("is not a folder"));
    assert!(refusal(&[&at("missing")]).contains("cannot open"));
    assert!(refusal(&[&at("state")]).contains("data folder"));
    assert!(refusal(&[&at("state/countersign/inside")]).contains("data folder"));
    let twins = refusal(&[&at("x/reports"), &at("y/reports")]);
    assert!(
        twins.contains("two workspaces are called `reports`"),
        "{twins}"
    );
}

#[test]
fn settings_that_an_agent_could_have_planted_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let bed = Bed::new();
    let elsewhere = bed.write("elsewhere.toml", "class = \"public\"\n");
    let linked = bed.folder("w/linked");
    std::os::unix::fs::symlink(&elsewhere, linked.join(WORKSPACE_FILE)).unwrap();
    let open = bed.write("w/open/workspace.toml", "class = \"public\"\n");
    let file = fs::File::open(&open).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o666))
        .unwrap();
    let fifo = bed.folder("w/fifo").join(WORKSPACE_FILE);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    let flags = serve(&[&bed.path().join("w")]);
    let config = Config::load(&flags, &bed.environment(&[])).unwrap();
    let found = config.discover();
    assert!(found.workspaces.is_empty());
    let reasons: Vec<_> = found.refused.iter().map(|(_, e)| e.to_string()).collect();
    assert!(reasons[0].contains("is not a plain file"), "{reasons:?}");
    assert!(reasons[1].contains("cannot read"), "{reasons:?}");
    assert!(
        reasons[2].contains("can be changed by everybody"),
        "{reasons:?}"
    );
}

#[test]
fn serving_nothing_is_refused_with_the_way_on() {
    let bed = Bed::new();
    let config = Config::load(&Flags::default(), &bed.environment(&[])).unwrap();
    let error = config.require_roots().unwrap_err();
    assert!(error.hint.unwrap().contains("countersign init"));
}

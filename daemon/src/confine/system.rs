//! Paths of the system that every program needs: programs, libraries, name service, certificates. Keys, passwords
//! and settings of servers are not among them.

use std::path::{Component, Path, PathBuf};

/// Folders of programs, libraries and kernel interfaces; `/etc` is listed by name.
const SYSTEM_PATHS: [&str; 12] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/nix/store",
    "/proc",
    "/sys",
    "/run/systemd/resolve",
    "/var/lib/ca-certificates",
];

/// Names in `/etc`; a star at the end matches any rest of a name.
const ETC_NAMES: [&str; 59] = [
    "ImageMagick*",
    "OpenCL",
    "R",
    "alternatives",
    "bash.bashrc",
    "bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "gai.conf",
    "gitconfig",
    "group",
    "host.conf",
    "hostname",
    "hosts",
    "inputrc",
    "java*",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "ld.so.preload",
    "locale.alias",
    "locale.conf",
    "localtime",
    "login.defs",
    "lsb-release",
    "machine-id",
    "magic",
    "mailcap",
    "mime.types",
    "networks",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "perl",
    "php",
    "pki/ca-trust",
    "pki/java",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "pki/tls/openssl.cnf",
    "profile",
    "profile.d",
    "protocols",
    "python*",
    "redhat-release",
    "resolv.conf",
    "rpc",
    "ruby",
    "services",
    "shells",
    "ssl",
    "static",
    "terminfo",
    "texmf",
    "timezone",
    "vulkan",
];

/// Private keys within [`ETC_NAMES`].
const PRIVATE_KEYS: [&str; 2] = ["/etc/ssl/private", "/etc/pki/tls/private"];

/// Granted paths, and the symbolic links that lead to them.
#[derive(Debug, Default)]
pub(super) struct Granted {
    pub(super) paths: Vec<PathBuf>,
    pub(super) links: Vec<PathBuf>,
}

impl Granted {
    /// Adds `path` without what is `hidden` in it. Does nothing when `path` does not exist.
    pub(super) fn add(&mut self, path: &Path, hidden: &[PathBuf]) {
        let Ok(real) = path.canonicalize() else {
            return;
        };
        self.links.extend(links_on(path));
        self.paths.extend(around(&real, hidden));
    }
}

/// Returns what every program needs of the system, without what is `hidden`.
pub(super) fn needed(hidden: &[PathBuf]) -> Granted {
    let mut hidden = hidden.to_vec();
    hidden.extend(PRIVATE_KEYS.map(PathBuf::from));
    let mut granted = Granted::default();
    for place in SYSTEM_PATHS {
        granted.add(Path::new(place), &hidden);
    }
    for name in ETC_NAMES {
        match name.strip_suffix('*') {
            None => granted.add(&Path::new("/etc").join(name), &hidden),
            Some(start) => {
                for entry in std::fs::read_dir("/etc").into_iter().flatten().flatten() {
                    if entry.file_name().to_string_lossy().starts_with(start) {
                        granted.add(&entry.path(), &hidden);
                    }
                }
            }
        }
    }
    granted
}

/// Returns the symbolic links that are followed when `path` is resolved (`path_resolution(7)`).
fn links_on(path: &Path) -> Vec<PathBuf> {
    /// Limit of the kernel.
    const MAX_LINKS: usize = 40;
    let mut links = Vec::new();
    let mut here = path.to_owned();
    while links.len() < MAX_LINKS {
        let mut before = PathBuf::new();
        let mut parts = here.components();
        let link = parts.by_ref().find_map(|part| {
            match part {
                Component::ParentDir => drop(before.pop()),
                other => before.push(other),
            }
            std::fs::read_link(&before).ok()
        });
        let Some(target) = link else { break };
        let next = before.parent().unwrap_or(Path::new("/")).join(target);
        here = next.join(parts.as_path());
        links.push(before);
    }
    links
}

/// Splits `path` into the paths that cover all of it but what is `hidden`. Landlock rules can only allow, so a hidden
/// path is left out by listing its siblings.
pub fn around(path: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    if hidden.iter().any(|one| path.starts_with(one)) {
        return Vec::new();
    }
    if !hidden.iter().any(|one| one.starts_with(path)) {
        return vec![path.to_owned()];
    }
    let Ok(entries) = std::fs::read_dir(path) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .flat_map(|entry| around(&entry.path(), hidden))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn around_leaves_out_hidden_paths() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a/b/secret", "a/b/open", "a/c", "d"] {
            crate::fs::Dir::create(&at(name), 0o755).unwrap();
        }
        let hidden = [at("a/b/secret")];
        assert_eq!(
            around(folder.path(), &hidden),
            [at("a/b/open"), at("a/c"), at("d")]
        );
        assert_eq!(around(&at("d"), &hidden), [at("d")]);
        assert!(around(&at("a/b/secret"), &hidden).is_empty());
        assert!(around(&at("a/b/secret/deep"), &hidden).is_empty());
    }

    #[test]
    fn follows_links_of_links() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name);
        crate::fs::Dir::create(&at("real/tool"), 0o755).unwrap();
        std::os::unix::fs::symlink("real", at("first")).unwrap();
        std::os::unix::fs::symlink(at("first/tool"), at("second")).unwrap();
        std::os::unix::fs::symlink("../second", at("real/back")).unwrap();
        assert_eq!(links_on(&at("real/tool")), [""; 0].map(PathBuf::from));
        assert_eq!(links_on(&at("second/x")), [at("second"), at("first")]);
        assert_eq!(
            links_on(&at("first/back")),
            [at("first"), at("real/back"), at("second"), at("first")]
        );
        let mut granted = Granted::default();
        granted.add(&at("second"), &[at("real")]);
        assert!(
            granted.paths.is_empty(),
            "a link opens nothing that is hidden"
        );
    }

    #[test]
    fn grants_no_secrets_of_the_system() {
        let granted = needed(&[]);
        for secret in [
            "/etc/shadow",
            "/etc/ssh",
            "/etc/ssl/private",
            "/etc/sudoers",
        ] {
            let opens = |path: &PathBuf| Path::new(secret).starts_with(path);
            assert!(!granted.paths.iter().any(opens), "{secret}");
        }
        assert!(granted.paths.contains(&PathBuf::from("/usr")));
    }
}

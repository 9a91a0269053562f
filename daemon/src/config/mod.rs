//! The configuration: defaults, under a file, under the environment, under flags.
//!
//! Every value knows where it came from. Nothing starts with a configuration that is not good.

mod agent;
mod approval;
mod auth;
mod boundary;
mod check;
mod error;
mod expression;
mod group;
mod hours;
mod layer;
mod limits;
mod member;
mod mesh;
mod names;
mod notify;
mod observe;
mod oncall;
mod origin;
mod person;
mod policy;
mod quantity;
mod reach;
mod reason;
mod resolver;
mod retention;
mod review;
mod roots;
mod rule;
mod secret;
mod section;
mod server;
mod service;
mod sso;
#[cfg(test)]
mod tests;
mod value;
mod workspace;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

pub use self::{
    agent::Agent,
    approval::{Approvals, Stage},
    auth::Auth,
    boundary::Boundary,
    check::Check,
    error::{ConfigError, ConfigErrors, Place},
    expression::{Expression, Pattern},
    group::Members,
    hours::{Digest, Hours, Moment, Zone},
    layer::{Environment, Flags},
    limits::Limits,
    member::{Member, OwnRole, UsualRole},
    mesh::{Contract, Transfers},
    names::{Channel, Email, Id, Target},
    notify::{
        DecideLinks, Disclosure, Format, Kind, Mail, MailTls, Mailbox, Notify, SmtpUrl,
        SubjectStyle, Webhook,
    },
    observe::{LogFormat, MetricsFor, Observe, Otlp},
    oncall::{OnCall, Override},
    origin::{Origin, Setting},
    person::{Away, Person},
    policy::{POLICY_FILE, Policy},
    quantity::{Size, Span},
    reach::{is_private_literal, is_public},
    reason::Reason,
    resolver::{Resolver, Scheme},
    retention::{Limit, Retention},
    review::{Review, Undo},
    roots::{Discovery, Root, RootKind, WORKSPACE_FILE},
    rule::{Expiry, Level, Raise, Route, Scope, Then, Trigger, TriggerKind},
    secret::{Destination, Hidden, Secret, Secrets},
    server::{PublicUrl, Server},
    service::ServiceTargets,
    sso::{Issuer, Sso},
    workspace::{Class, Heartbeat, Workspace, WorkspaceName},
};
use self::{
    layer::Layers,
    roots::{Listed, real_folder, real_or_planned, same_name},
    section::{File, Section},
    value::Value,
    workspace::Stated,
};

/// The reference: every key with its default, as `countersign config default` prints it.
pub const REFERENCE: &str = include_str!("reference.toml");

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read.
    pub file: Option<Setting<PathBuf>>,
    /// `[server]`.
    pub server: Server,
    /// `[auth]`.
    pub auth: Auth,
    /// `[sso]`: the provider by which people sign in, if any.
    pub sso: Option<Sso>,
    /// `[limits]`.
    pub limits: Limits,
    /// `[retention]`.
    pub retention: Retention,
    /// `[observe]`.
    pub observe: Observe,
    /// Who there is to ask.
    pub policy: Policy,
    /// `[notify]` and `[[webhook]]`.
    pub notify: Notify,
    /// `[[check]]`: what looks at a handoff before anybody is asked.
    pub checks: Vec<Check>,
    /// `[[resolver]]`: what references to evidence lead to.
    pub resolvers: Vec<Resolver>,
    /// `[[boundary]]`: what holds agents back.
    pub boundaries: Vec<Boundary>,
    /// `[[role]]`: roles of the operator's own making.
    pub roles: Vec<OwnRole>,
    /// `[[member]]`: who has which role where.
    pub members: Vec<Member>,
    /// `[review]`.
    pub review: Review,
    /// What is served, without overlaps.
    pub roots: Vec<Root>,
    listed: Vec<Listed>,
}

/// One line of `config show`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// For example `server.listen`.
    pub key: String,
    /// The value.
    pub value: Json,
    /// Where it came from.
    pub origin: Origin,
}

impl Entry {
    fn new<T: Value>(key: impl Into<String>, setting: &Setting<T>) -> Self {
        Self {
            key: key.into(),
            value: setting.value.show(),
            origin: setting.origin.clone(),
        }
    }

    /// A value whose section alone is known.
    fn plain<T: Value>(key: impl Into<String>, value: &T, origin: &Origin) -> Self {
        Self {
            key: key.into(),
            value: value.show(),
            origin: origin.clone(),
        }
    }
}

impl Config {
    /// Reads and checks all layers. Nothing needs to be served; see [`Config::require_roots`].
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Self, ConfigErrors> {
        let file = find_file(flags, environment);
        let text = match &file {
            Some(file) => read(file)?,
            None => String::new(),
        };
        let unnamed = PathBuf::from("countersign.toml");
        let path = file.as_ref().map_or(&unnamed, |file| &file.value);
        Self::from_text(path, &text, file.clone(), flags, environment)
    }

    fn from_text(
        path: &Path,
        text: &str,
        file: Option<Setting<PathBuf>>,
        flags: &Flags,
        environment: &Environment,
    ) -> Result<Self, ConfigErrors> {
        let source = File::new(path, text);
        let layers = Layers::new(environment);
        let table = source.parse()?;
        let top = Section::new(&source, "", Some(table.get_ref()));
        if let Some(version) = top.take::<u64>("version")
            && version.value != 1
        {
            layers.fail(
                ConfigError::new(format!(
                    "{}: `version` is {}, and this program knows version 1",
                    version.origin, version.value
                ))
                .hint("use the program that wrote the file, or write it anew for version 1"),
            );
        }
        let server = Server::read(&top.table("server"), &layers, flags);
        let auth = Auth::read(&top.table("auth"), &layers);
        if let Some(error) = auth.check(&server.trusted_proxies.value) {
            layers.fail(error);
        }
        let sso = Sso::read(&top.table("sso"), &layers);
        let limits = Limits::read(&top.table("limits"), &layers);
        let retention = Retention::read(&top.table("retention"), &layers);
        let review = Review::read(&top.table("review"), &layers);
        let observe = Observe::read(&top.table("observe"), &layers, flags);
        let notify = Notify::read(&top, &source, &layers);
        let base = path.parent().unwrap_or(Path::new(""));
        let mut listed = Vec::new();
        for (span, section) in top.tables("workspace") {
            let path = section.take::<PathBuf>("path");
            let stated = Stated::read(&section);
            section.finish(&[]);
            let Some(path) = path else {
                let error = ConfigError::new("a workspace needs a `path`");
                source.fail(
                    span,
                    error.hint("add `path = \"…\"`, the folder in which agents work"),
                );
                continue;
            };
            match real_folder(&base.join(environment.expand(&path.value))) {
                Ok(real) => listed.push(Listed {
                    path: Setting {
                        value: real,
                        origin: path.origin,
                    },
                    stated,
                }),
                Err(error) => source.fail(span, error),
            }
        }
        let boundaries = top
            .tables("boundary")
            .into_iter()
            .map(|(_, section)| Boundary::read(&section))
            .collect();
        let checks: Vec<Check> = top
            .tables("check")
            .into_iter()
            .filter_map(|(span, section)| Check::read(span, &section))
            .collect();
        if let Some(error) = check::twice(&checks) {
            layers.fail(error);
        }
        let resolvers: Vec<Resolver> = top
            .tables("resolver")
            .into_iter()
            .filter_map(|(span, section)| Resolver::read(span, &section))
            .collect();
        if let Some(error) = resolver::wrong(&resolvers, &checks) {
            layers.fail(error);
        }
        let roles: Vec<OwnRole> = top
            .tables("role")
            .into_iter()
            .filter_map(|(span, section)| OwnRole::read(span, &section))
            .collect();
        let members: Vec<Member> = top
            .tables("member")
            .into_iter()
            .filter_map(|(span, section)| Member::read(span, &section))
            .collect();
        let mut policy = Policy::default();
        policy.read(&top);
        top.finish(&[]);
        let beside = Beside::find(base, file.is_some(), environment)?;
        let own = File::new(&beside.path, &beside.text);
        if beside.is_there {
            let table = own.parse()?;
            let top = Section::new(&own, "", Some(table.get_ref()));
            policy.read(&top);
            top.finish(&[]);
            policy.file = Some(beside.path.clone());
        }
        policy.check(&[&source, &own]);
        policy.check_channels(&notify.ways(), &[&source, &own]);
        member::check(&roles, &members, sso.is_some(), &policy, &source);
        let mut config = Self {
            file,
            server,
            auth,
            sso,
            limits,
            retention,
            observe,
            policy,
            notify,
            checks,
            resolvers,
            boundaries,
            roles,
            members,
            review,
            roots: Vec::new(),
            listed,
        };
        layers.refuse_misspelt();
        let mut errors = source.errors.take();
        errors.extend(own.errors.take());
        errors.extend(layers.errors.take());
        if errors.is_empty() {
            match config.find_roots(&flags.roots) {
                Ok(roots) => config.roots = roots,
                Err(found) => errors.extend(found.0),
            }
        }
        if errors.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(errors))
        }
    }

    fn find_roots(&self, named: &[PathBuf]) -> Result<Vec<Root>, ConfigErrors> {
        let mut roots: Vec<Root> = Vec::new();
        for listed in &self.listed {
            roots.push(Root {
                path: listed.path.value.clone(),
                kind: RootKind::Workspace,
            });
        }
        for named in named {
            let path = real_folder(named)?;
            if self.listed.iter().any(|listed| listed.path.value == path) {
                continue;
            }
            let kind = if path.join(WORKSPACE_FILE).symlink_metadata().is_ok() {
                RootKind::Workspace
            } else {
                RootKind::Parent
            };
            roots.push(Root { path, kind });
        }
        roots.sort_by(|a, b| a.path.cmp(&b.path));
        self.check_roots(&roots)?;
        Ok(roots)
    }

    fn check_roots(&self, roots: &[Root]) -> Result<(), ConfigErrors> {
        let data_dir = real_or_planned(&self.server.data_dir);
        let mut workspaces: Vec<Workspace> = Vec::new();
        for (at, root) in roots.iter().enumerate() {
            let inside = roots[..at]
                .iter()
                .find(|other| root.path.starts_with(&other.path));
            if let Some(outer) = inside {
                return Err(ConfigError::new(format!(
                    "`{}` lies inside `{}`, and both are served",
                    root.path.display(),
                    outer.path.display()
                ))
                .hint("serve one of them; a handoff must belong to one workspace only")
                .into());
            }
            match root.kind {
                RootKind::Parent if data_dir.starts_with(&root.path) => {
                    return Err(ConfigError::new(format!(
                        "the data folder `{}` lies inside `{}`, which is served",
                        data_dir.display(),
                        root.path.display()
                    ))
                    .hint("keep the daemon's own state elsewhere with `--data-dir`")
                    .into());
                }
                RootKind::Parent if root.path.starts_with(&data_dir) => {
                    return Err(ConfigError::new(format!(
                        "`{}` lies inside the data folder `{}`",
                        root.path.display(),
                        data_dir.display()
                    ))
                    .hint("serve another folder, or move the data folder with `--data-dir`")
                    .into());
                }
                RootKind::Parent => {}
                RootKind::Workspace => {
                    let workspace = self.workspace(&root.path)?;
                    let twin = workspaces
                        .iter()
                        .find(|other| other.name.value == workspace.name.value);
                    if let Some(twin) = twin {
                        return Err(same_name(&workspace, twin).into());
                    }
                    workspaces.push(workspace);
                }
            }
        }
        Ok(())
    }

    /// Refuses a configuration that serves nothing.
    pub fn require_roots(&self) -> Result<(), ConfigError> {
        if self.roots.is_empty() {
            return Err(ConfigError::new("there is no folder to serve")
                .hint("name one: `countersign serve DIR`; or make one: `countersign init DIR`"));
        }
        Ok(())
    }

    /// What holds agents back in a workspace: its own section, else the one for all, else the defaults.
    pub fn boundary(&self, workspace: &str) -> Boundary {
        let of = |name: Option<&str>| {
            self.boundaries.iter().find(|one| {
                let stated = one.workspace.as_ref().map(|named| named.value.as_str());
                stated == name
            })
        };
        let found = of(Some(workspace)).or_else(|| of(None));
        found.cloned().unwrap_or_default()
    }

    /// Every value with its origin, in the order of the reference.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = self.server.entries();
        entries.extend(self.auth.entries());
        entries.extend(self.sso.iter().flat_map(Sso::entries));
        entries.extend(self.limits.entries());
        entries.extend(self.retention.entries());
        entries.extend(self.review.entries());
        entries.extend(self.observe.entries());
        entries.extend(self.policy.entries());
        entries.extend(self.notify.entries());
        for workspace in self.discover().workspaces {
            entries.extend(workspace.entries());
        }
        entries.extend(self.checks.iter().flat_map(Check::entries));
        entries.extend(self.resolvers.iter().flat_map(Resolver::entries));
        entries.extend(self.boundaries.iter().flat_map(Boundary::entries));
        entries.extend(self.roles.iter().flat_map(OwnRole::entries));
        entries.extend(self.members.iter().flat_map(Member::entries));
        entries
    }

    /// Returns the secrets that settings name, collected from the values that `config show` prints.
    pub fn secrets(&self) -> Vec<Secret> {
        fn collect(value: &Json, found: &mut Vec<Secret>) {
            match value {
                Json::Array(values) => values.iter().for_each(|one| collect(one, found)),
                Json::Object(fields) => match Secret::shown(fields) {
                    Some(secret) => found.push(secret),
                    None => fields.values().for_each(|one| collect(one, found)),
                },
                _ => {}
            }
        }
        let mut found = Vec::new();
        for entry in self.entries() {
            collect(&entry.value, &mut found);
        }
        found
    }
}

/// The `policy.toml` beside the configuration file; where there is none, in the folder it would be in.
struct Beside {
    path: PathBuf,
    text: String,
    is_there: bool,
}

impl Beside {
    fn find(base: &Path, has_file: bool, environment: &Environment) -> Result<Self, ConfigError> {
        let folder = if has_file {
            base.to_owned()
        } else {
            match environment.xdg("XDG_CONFIG_HOME", ".config") {
                Some(folder) => folder.join("countersign"),
                None => base.to_owned(),
            }
        };
        let path = folder.join(POLICY_FILE);
        let is_there = path.exists();
        let text = if is_there {
            read_text(&path)?
        } else {
            String::new()
        };
        Ok(Self {
            path,
            text,
            is_there,
        })
    }
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error: io::Error| {
        ConfigError::new(format!("cannot read `{}`: {error}", path.display()))
    })
}

/// `--config`, else `COUNTERSIGN_CONFIG`, else `$XDG_CONFIG_HOME/countersign/countersign.toml`
/// when it is there.
fn find_file(flags: &Flags, environment: &Environment) -> Option<Setting<PathBuf>> {
    if let Some(path) = &flags.config {
        return Some(Setting {
            value: path.clone(),
            origin: Origin::Flag("--config"),
        });
    }
    if let Some(path) = environment.get("COUNTERSIGN_CONFIG") {
        return Some(Setting {
            value: PathBuf::from(path),
            origin: Origin::Environment("COUNTERSIGN_CONFIG"),
        });
    }
    let folder = environment.xdg("XDG_CONFIG_HOME", ".config")?;
    Some(folder.join("countersign/countersign.toml"))
        .filter(|path| path.exists())
        .map(Setting::default)
}

fn read(file: &Setting<PathBuf>) -> Result<String, ConfigError> {
    read_text(&file.value).map_err(|error| error.hint(format!("it is named by: {}", file.origin)))
}

/// The known word that somebody most likely meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::osa_distance(word, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(word.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

//! What of the file system and of TCP may be reached, by Landlock (`landlock(7)`).

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort,
    PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope,
};

use super::{Network, Policy, view::OWN_DEVICES};

/// The newest interface of Landlock whose rights are asked for.
const NEWEST: ABI = ABI::V6;

/// The newest interface of Landlock that this kernel has; `None` when it has none.
pub(super) fn interface() -> Option<ABI> {
    let all = [ABI::V6, ABI::V5, ABI::V4, ABI::V3, ABI::V2, ABI::V1];
    all.into_iter().find(|abi| {
        // Made and thrown away: nothing is given up by that.
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(*abi));
        if *abi >= ABI::V4 {
            ruleset = ruleset.and_then(|one| one.handle_access(AccessNet::from_all(*abi)));
        }
        if *abi >= ABI::V6 {
            ruleset = ruleset.and_then(|one| one.scope(Scope::from_all(*abi)));
        }
        ruleset.and_then(Ruleset::create).is_ok()
    })
}

/// What this kernel cannot enforce of `network` and of files, one sentence each; empty when it can all.
pub fn missing(network: &Network) -> Vec<&'static str> {
    lacks(interface(), network)
}

fn lacks(abi: Option<ABI>, network: &Network) -> Vec<&'static str> {
    let Some(abi) = abi else {
        return vec!["this kernel has no Landlock: files are not confined at all"];
    };
    let mut lacks = Vec::new();
    let mut need = |least: ABI, what: &'static str| {
        if abi < least {
            lacks.push(what);
        }
    };
    need(
        ABI::V2,
        "this kernel lets nothing be moved between folders, so nothing can be dropped into the inbox",
    );
    need(
        ABI::V3,
        "this kernel does not keep files from being cut short",
    );
    if matches!(network, Network::Ports(_)) {
        need(
            ABI::V4,
            "this kernel does not hold TCP connections back by port",
        );
    }
    need(
        ABI::V5,
        "this kernel does not hold commands to devices back",
    );
    need(
        ABI::V6,
        "this kernel does not hold signals and abstract sockets to other processes back",
    );
    lacks
}

/// Gives up what `policy` does not name.
pub(super) fn fence(policy: &Policy) -> Result<RulesetStatus, RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?;
    if matches!(policy.network, Network::Ports(_)) {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut ruleset = ruleset.scope(Scope::from_all(NEWEST))?.create()?;
    let all = AccessFs::from_all(NEWEST) & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    for path in &policy.read {
        ruleset = allow(ruleset, path, AccessFs::from_read(NEWEST))?;
    }
    for path in &policy.write {
        ruleset = allow(ruleset, path, all)?;
    }
    // Those of the machine would be the terminals and the memory of others.
    if policy.view.is_some() {
        // To be listed; so a terminal finds its own name (ttyname(3)).
        ruleset = allow(ruleset, Path::new("/dev"), AccessFs::ReadDir.into())?;
        for device in OWN_DEVICES {
            ruleset = allow(ruleset, Path::new(device), all)?;
        }
    }
    for path in &policy.add {
        let add = AccessFs::MakeReg | AccessFs::MakeDir | AccessFs::Refer;
        ruleset = allow(ruleset, path, add)?;
    }
    if let Network::Ports(ports) = &policy.network {
        for port in ports {
            ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

/// Allows `rights` at `path`, when it is there.
fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    mut rights: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(fd) = PathFd::new(path) else {
        return Ok(ruleset);
    };
    if !path.is_dir() {
        rights &= AccessFs::from_file(NEWEST);
    }
    ruleset.add_rule(PathBeneath::new(fd, rights))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_kernel_is_named_for_all_that_it_lacks() {
        assert_eq!(lacks(Some(ABI::V6), &Network::Ports(vec![443])), [""; 0]);
        assert_eq!(lacks(None, &Network::Any).len(), 1);
        let oldest = lacks(Some(ABI::V1), &Network::Ports(vec![443]));
        assert_eq!(oldest.len(), 5);
        assert_eq!(lacks(Some(ABI::V3), &Network::None).len(), 2);
        assert_eq!(lacks(Some(ABI::V3), &Network::Ports(Vec::new())).len(), 3);
    }
}

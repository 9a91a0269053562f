//! Shapes of credentials. The samples are put together here, so that no scanner takes this file for a leak.

use super::*;

fn body(length: usize) -> String {
    "A7b2".chars().cycle().take(length).collect()
}

#[test]
fn each_shape_is_found_and_nothing_like_it() {
    let upper: String = "Q2XZ".chars().cycle().take(16).collect();
    for secret in [
        format!("-----BEGIN {}PRIVATE KEY-----", "RSA "),
        format!("-----BEGIN {}-----", "PRIVATE KEY"),
        format!("-----BEGIN PGP {} BLOCK-----", "PRIVATE KEY"),
        format!("{}{upper}", "AKIA"),
        format!("{}_{}", "ghp", body(36)),
        format!("{}_{}", "github_pat", body(30)),
        format!("{}-{}", "glpat", body(20)),
        format!("{}-{}", "xoxb", body(12)),
        format!("{}{}", "AIza", body(35)),
        format!("{}_live_{}", "sk", body(24)),
        format!("{}-ant-{}", "sk", body(40)),
        format!("{}_{}", "npm", body(36)),
        format!("{}-AgEIcHlwaS5vcmc{}", "pypi", body(50)),
        format!("{}.{}.{}", "SG", body(22), body(43)),
        format!("{}_{}", "whsec", body(32)),
        format!("{}{}.eyJ{}.{}", "eyJ", body(20), body(20), body(43)),
        format!("{}_t1_{}", "cst", body(32)),
    ] {
        assert!(are_in(&format!("key = \"{secret}\" # mine")), "{secret}");
        let found = pattern().find(&secret);
        assert!(found.is_some_and(|found| found.start() == 0), "{secret}");
    }
    for harmless in [
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "AKIA is how such an id begins",
        "ghp_short",
        "task-ant-farm, risk-projection",
        "password = hunter2",
        "the SG.1 series",
    ] {
        assert!(!are_in(harmless), "{harmless}");
    }
}

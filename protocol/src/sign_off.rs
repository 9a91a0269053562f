//! The sign-off gates of a handoff: roles whose holders approve, one after the other.

use serde_json::Value;

/// One entry of `sign_off_gates`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOffGate {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its id, unique within the handoff.
    pub id: String,
    /// Role of those who approve; `None` means everybody who may decide.
    pub role: Option<String>,
    /// Number of different people whose approval it takes, at least 1.
    pub min_approvals: u32,
    /// Whether the people who ran the agent or answer for it are kept from approving.
    pub exclude_submitter: bool,
}

impl SignOffGate {
    /// Returns the name that people see: the id, with the role where there is one.
    pub fn label(&self) -> String {
        match &self.role {
            Some(role) => format!("{} ({role})", self.id),
            None => self.id.clone(),
        }
    }
}

/// Reads the gates of `document`, a handoff that keeps the contract, in the order in which they are asked: a gate
/// comes behind those that its `after` names, and otherwise as the document lists it.
///
/// ```
/// use countersign_protocol::sign_off::gates;
/// let document = serde_json::json!({"sign_off_gates": [
///     {"id": "release", "role": "release-manager", "after": ["legal"]},
///     {"id": "legal", "role": "Legal"},
/// ]});
/// let order: Vec<String> = gates(&document).into_iter().map(|gate| gate.id).collect();
/// assert_eq!(order, ["legal", "release"]);
/// ```
pub fn gates(document: &Value) -> Vec<SignOffGate> {
    let stated = document.get("sign_off_gates").and_then(Value::as_array);
    let stated = stated.into_iter().flatten().enumerate();
    let mut waiting: Vec<(SignOffGate, Vec<&str>)> = stated
        .filter_map(|(index, gate)| read(index, gate))
        .collect();
    let mut ordered: Vec<SignOffGate> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_ready = |(_, after): &(SignOffGate, Vec<&str>)| {
            let done = |name: &&str| ordered.iter().any(|gate| gate.id == **name);
            after.iter().all(done)
        };
        // The contract refuses circles; should one be there all the same, its gates are asked as listed.
        let next = waiting.iter().position(is_ready).unwrap_or(0);
        ordered.push(waiting.remove(next).0);
    }
    ordered
}

/// Returns `role` in the form in which roles are compared: without regard to case, and with space, `_` and `-`
/// as the same sign.
pub fn role_key(role: &str) -> String {
    let sign = |c: char| {
        if c.is_whitespace() || c == '_' {
            '-'
        } else {
            c
        }
    };
    role.trim()
        .chars()
        .map(sign)
        .collect::<String>()
        .to_lowercase()
}

fn read(index: usize, gate: &Value) -> Option<(SignOffGate, Vec<&str>)> {
    let text = |name: &str| gate.get(name).and_then(Value::as_str);
    let number = gate.get("min_approvals").and_then(Value::as_u64);
    let after = gate.get("after").and_then(Value::as_array);
    let after = after.into_iter().flatten().filter_map(Value::as_str);
    let role = text("role").filter(|role| !role.trim().is_empty());
    let gate = SignOffGate {
        index,
        id: text("id")?.to_owned(),
        role: role.map(str::to_owned),
        min_approvals: number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(1)
            .max(1),
        exclude_submitter: gate.get("exclude_submitter") == Some(&Value::Bool(true)),
    };
    Some((gate, after.collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn orders_gates_by_after() {
        let document = json!({"sign_off_gates": [
            {"id": "c", "after": ["a", "b"]}, {"id": "b", "after": ["a"]}, {"id": "d"}, {"id": "a"},
        ]});
        let order: Vec<String> = gates(&document).into_iter().map(|gate| gate.id).collect();
        assert_eq!(order, ["d", "a", "b", "c"]);
    }

    #[test]
    fn reads_defaults() {
        let document = json!({"sign_off_gates": [{"id": "g", "role": " "}]});
        let gate = &gates(&document)[0];
        assert_eq!((gate.role.as_deref(), gate.min_approvals), (None, 1));
        assert!(!gate.exclude_submitter);
        assert_eq!(gates(&json!({})), []);
    }

    #[test]
    fn compares_roles_loosely() {
        assert_eq!(
            role_key("Compliance Officer"),
            role_key("compliance_officer")
        );
        assert_ne!(role_key("legal"), role_key("legal2"));
    }
}

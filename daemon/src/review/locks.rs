//! The table of locks, for pages and API.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use countersign_protocol::{
    access::Permission,
    event::Process,
    lock::{Lock, LockId, LockRequest, MAX_REASON, Pattern, USUAL, is_same_owner},
    principal::{Actor, Method, Principal},
};
use countersign_web::desk::{
    Caller, DeskError, Person,
    locks::{LockList, LockRow, LockWish, LocksDesk, LocksError},
};

use super::{
    LedgerDesk,
    access::{actor, person_actor, sees},
    commands::words,
    lock_rows::{kernel_row, reading_row, row},
};
use crate::{
    ledger::State,
    locks::{Leased, LockError, kernel_locks},
    process::{ProcessTable, Processes as _},
};

impl LedgerDesk {
    /// As whom the caller acts on `lock`: the operator acts for agents that it asked for.
    fn owner_of(who: &Caller, lock: &Lock) -> Actor {
        let is_operator = matches!(who, Caller::Person(person) if person.method == Method::Cli);
        match &lock.owner {
            Actor::Agent {
                principal: Principal::Operator,
                ..
            } if is_operator => lock.owner.clone(),
            _ => actor(who),
        }
    }

    /// The lock, when `who` may see it.
    fn visible_lock(&self, who: &Caller, id: LockId) -> Result<Arc<Lock>, LocksError> {
        let state = self.ledger.state();
        // Only one that is not there is looked for among the ends, of which there are thousands.
        let Some(lock) = state.locks().get(id) else {
            let ended = state.locks().ended(id);
            let ended = ended.filter(|ended| sees(who, &ended.lock.workspace));
            return match ended.cloned() {
                Some(ended) => {
                    drop(state);
                    let ended = Some(ended);
                    Err(self.told(LockError::Over { id, ended }, who))
                }
                None => Err(DeskError::NotFound(format!("the lock {id}")).into()),
            };
        };
        if sees(who, &lock.workspace) {
            return Ok(Arc::clone(lock));
        }
        Err(DeskError::NotFound(format!("the lock {id}")).into())
    }

    /// The same, when `who` may also do something with it.
    fn usable_lock(
        &self,
        who: &Caller,
        id: LockId,
        permission: Permission,
    ) -> Result<Arc<Lock>, LocksError> {
        let lock = self.visible_lock(who, id)?;
        who.check(permission, Some(&lock.workspace))?;
        Ok(lock)
    }

    fn told(&self, error: LockError, who: &Caller) -> LocksError {
        let message = error.to_string();
        match error {
            LockError::Taken { by, .. } => {
                let state = self.ledger.state();
                LocksError::Taken {
                    message,
                    by: self.rows(&state, who, by),
                }
            }
            LockError::Reviewed { .. } => LocksError::Taken {
                message,
                by: Vec::new(),
            },
            LockError::Over { .. } => LocksError::Over { message },
            LockError::NotYours { .. } | LockError::Owned { .. } => {
                DeskError::NotAllowed(message).into()
            }
            LockError::Stale { fence, .. } => LocksError::Stale { message, fence },
            LockError::TooMany { .. } => LocksError::TooMany(message),
            LockError::Unavailable(_) => DeskError::Unavailable(message).into(),
        }
    }

    fn rows(&self, state: &State, who: &Caller, locks: Vec<Arc<Lock>>) -> Vec<LockRow> {
        let now = self.clock.now();
        let circles = state.locks().circles(&|workspace| sees(who, workspace));
        let row = |leased: &Leased| {
            let along = circles.get(&leased.lock.id).into_iter().flatten();
            LockRow {
                circle: along.map(|owner| owner.name().to_owned()).collect(),
                ..row(state, Self::owner_of(who, &leased.lock), leased, now)
            }
        };
        self.locks.leased(locks).iter().map(row).collect()
    }

    /// The row of a lock that is held or waited for; what became of it when it is no more.
    fn row_of_lock(&self, who: &Caller, id: LockId) -> Result<LockRow, LocksError> {
        let lock = self.visible_lock(who, id)?;
        let state = self.ledger.state();
        let mut rows = self.rows(&state, who, vec![lock]);
        rows.pop()
            .ok_or_else(|| DeskError::NotFound(format!("the lock {id}")).into())
    }

    /// Who asks, and what for.
    fn checked(
        &self,
        who: &Caller,
        wish: LockWish,
    ) -> Result<(Actor, Pattern, LockRequest), LocksError> {
        self.check_workspace(who, &wish.workspace, Permission::Lock)?;
        let invalid = |field: &str, message: String| DeskError::Invalid {
            field: field.to_owned(),
            message,
        };
        let pattern = Pattern::read(&wish.path, wish.kind)
            .map_err(|problem| invalid("/path", format!("{problem}. {}", problem.fix())))?;
        let owner = match (who, wish.agent) {
            (Caller::Person(person), Some(name)) if person.method == Method::Cli => {
                if name.trim().is_empty() || name.len() > 128 {
                    let message = "name the agent in at most 128 bytes".to_owned();
                    return Err(invalid("/agent", message).into());
                }
                let principal = Principal::Operator;
                Actor::Agent { name, principal }
            }
            (Caller::Agent(agent), Some(name)) if agent.agent != name => {
                let whose = &agent.agent;
                let why = format!("the token is of {whose} and cannot ask for {name}");
                return Err(DeskError::NotAllowed(why).into());
            }
            (Caller::Person(_), Some(_)) => {
                let why = "only the operator at the command line asks for an agent".to_owned();
                return Err(DeskError::NotAllowed(why).into());
            }
            _ => actor(who),
        };
        let request = LockRequest {
            path: pattern.as_str().to_owned(),
            kind: pattern.kind(),
            mode: wish.mode,
            ttl_seconds: wish.ttl_seconds.unwrap_or(USUAL),
            reason: short("/reason", wish.reason)?,
            process: wish.pid.map(process).transpose()?,
            key: wish.key,
            file: None,
        };
        Ok((owner, pattern, request))
    }
}

/// Words that a row can show.
fn short(field: &str, text: Option<String>) -> Result<Option<String>, LocksError> {
    let text = words(field, text)?;
    if text
        .as_ref()
        .is_some_and(|text| text.chars().count() > MAX_REASON)
    {
        let message = format!("at most {MAX_REASON} characters fit here");
        let field = field.to_owned();
        return Err(DeskError::Invalid { field, message }.into());
    }
    Ok(text)
}

fn process(pid: u32) -> Result<Process, LocksError> {
    let Some(started) = ProcessTable.started(pid) else {
        let message = format!("there is no process {pid} on the machine of the daemon");
        let field = "/pid".to_owned();
        return Err(DeskError::Invalid { field, message }.into());
    };
    Ok(Process { pid, started })
}

#[async_trait]
impl LocksDesk for LedgerDesk {
    async fn locks(&self, who: &Caller, workspace: Option<&str>) -> Result<LockList, DeskError> {
        if let Some(name) = workspace {
            self.visible_workspace(who, name)?;
        }
        let wanted = |name: &str| sees(who, name) && workspace.is_none_or(|only| only == name);
        let places: Vec<_> = self.workspaces.all();
        let places = places
            .into_iter()
            .filter(|one| wanted(&one.name))
            .collect::<Vec<_>>();
        let looked = tokio::task::spawn_blocking(move || kernel_locks(&places)).await;
        let (kernel, kernel_complete) = looked.unwrap_or_default();
        let now = self.clock.now();
        let state = self.ledger.state();
        let here: BTreeSet<LockId> = state
            .locks()
            .all()
            .filter(|lock| wanted(&lock.workspace))
            .map(|lock| lock.id)
            .collect();
        let (held, line): (Vec<_>, Vec<_>) = here
            .iter()
            .filter_map(|id| state.locks().get(*id).cloned())
            .partition(|lock| lock.held.is_some());
        let all = held.into_iter().chain(line).collect();
        let readings = state.readings(now).into_iter();
        Ok(LockList {
            locks: self.rows(&state, who, all),
            readings: readings
                .filter(|one| wanted(&one.workspace))
                .map(reading_row)
                .collect(),
            kernel: kernel
                .into_iter()
                .map(|lock| kernel_row(lock, who))
                .collect(),
            kernel_complete,
        })
    }

    async fn lock(&self, who: &Caller, id: LockId) -> Result<LockRow, LocksError> {
        self.row_of_lock(who, id)
    }

    async fn acquire_lock(
        &self,
        who: &Caller,
        wish: LockWish,
        wait: Option<Duration>,
    ) -> Result<LockRow, LocksError> {
        let workspace = wish.workspace.clone();
        let (owner, pattern, request) = self.checked(who, wish)?;
        let taken = self
            .locks
            .acquire(owner, &workspace, pattern, request, wait.is_some())
            .await;
        let id = taken.map_err(|error| self.told(error, who))?;
        if let Some(patience) = wait {
            self.locks.settled(id, patience).await;
        }
        self.row_of_lock(who, id)
    }

    async fn wait_for_lock(
        &self,
        who: &Caller,
        id: LockId,
        wait: Duration,
    ) -> Result<LockRow, LocksError> {
        let lock = self.usable_lock(who, id, Permission::Lock)?;
        let me = Self::owner_of(who, &lock);
        if is_same_owner(&lock.owner, &me) {
            let heard = self.locks.renew(id, me, None, (None, None)).await;
            heard.map_err(|error| self.told(error, who))?;
        }
        self.locks.settled(id, wait).await;
        self.row_of_lock(who, id)
    }

    async fn renew_lock(
        &self,
        who: &Caller,
        id: LockId,
        fence: Option<u64>,
        (ttl_seconds, pid): (Option<u32>, Option<u32>),
    ) -> Result<LockRow, LocksError> {
        let lock = self.usable_lock(who, id, Permission::Lock)?;
        let terms = (ttl_seconds, pid.map(process).transpose()?);
        let renewed = self
            .locks
            .renew(id, Self::owner_of(who, &lock), fence, terms)
            .await;
        renewed.map_err(|error| self.told(error, who))?;
        self.row_of_lock(who, id)
    }

    async fn release_lock(
        &self,
        who: &Caller,
        id: LockId,
        fence: Option<u64>,
    ) -> Result<(), LocksError> {
        let lock = self.usable_lock(who, id, Permission::Lock)?;
        let released = self
            .locks
            .release(id, Self::owner_of(who, &lock), fence)
            .await;
        released.map_err(|error| self.told(error, who))
    }

    async fn ask_for_lock(
        &self,
        who: &Caller,
        id: LockId,
        note: Option<String>,
    ) -> Result<(), LocksError> {
        self.usable_lock(who, id, Permission::Lock)?;
        let note = short("/note", note)?;
        let asked = self.locks.ask(id, actor(who), note).await;
        asked.map_err(|error| self.told(error, who))
    }

    async fn break_lock(&self, who: &Person, id: LockId, reason: String) -> Result<(), LocksError> {
        let caller = Caller::Person(who.clone());
        self.usable_lock(&caller, id, Permission::BreakLock)?;
        let Some(reason) = short("/reason", Some(reason))? else {
            let field = "/reason".to_owned();
            let message = "say why it is taken away".to_owned();
            return Err(DeskError::Invalid { field, message }.into());
        };
        let broken = self.locks.break_up(id, person_actor(who), reason).await;
        broken.map_err(|error| self.told(error, &caller))
    }
}

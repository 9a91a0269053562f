//! The command line. Data goes to stdout, everything else to stderr; exit codes are in `exit`.

mod approval;
mod audit;
mod bench;
mod changed;
mod checkpoint;
mod client;
mod completions;
mod config;
mod confine;
mod contract;
mod dead_letters;
mod decide;
mod demo;
mod diff;
mod doctor;
mod events;
mod exit;
mod extract_worker;
mod folder;
mod gate;
mod gc;
mod get;
mod help;
mod hop;
mod index;
mod init;
mod inspect;
mod lock;
mod ls;
mod mark;
mod notify;
mod open;
mod output;
mod outside;
mod people;
mod person_token;
mod remark;
mod route;
mod routes;
mod run;
mod schema;
mod search;
mod serve;
mod show;
mod sla;
mod start_link;
mod status;
mod submit;
mod target;
#[cfg(test)]
mod tests;
mod token;
mod tongue;
mod transfer;
mod try_boundary;
mod unanswerable;
mod user;
mod validate;
mod verify;
mod version;
mod versions;
mod wait;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{CommandFactory as _, Parser, Subcommand};

use self::{
    exit::{Exit, Failure},
    output::{Output, When},
};
use crate::{
    clock::{SharedClock, SystemClock},
    config::{Config, Environment, Flags},
};

/// Review for the work of agents: a file in, a decision out.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "Try `countersign help exit-codes`."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Print one JSON object
    #[arg(long, global = true)]
    json: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    color: When,
    /// The daemon to talk to; also `COUNTERSIGN_URL`
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// The configuration file; also `COUNTERSIGN_CONFIG`
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder of the daemon; also `COUNTERSIGN_DATA_DIR`
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: an example workspace, a scripted agent, real work to review
    Demo(demo::Args),
    /// Make a workspace for agents to work in
    Init(init::Args),
    /// Serve workspaces: watch, ask, answer
    Serve(serve::Args),
    /// Open the pages in a browser
    Open(open::Args),
    /// Check that this machine can do what is promised
    Doctor(doctor::Args),
    /// Check a handoff without sending it
    Validate(validate::Args),
    /// Hand over what is in a folder
    Submit(submit::Args),
    /// Wait for the decision
    Wait(wait::Args),
    /// Say how a handoff stands
    Status(status::Args),
    /// Write down how far the work is
    Checkpoint(checkpoint::Args),
    /// Take a handoff back
    Withdraw(remark::WithdrawArgs),
    /// List what waits
    Ls(ls::Args),
    /// Show a handoff
    Show(show::Args),
    /// Find files, handoffs, decisions and words, or ask a question
    Search(search::Args),
    /// See how far the search index is, or make it anew
    Index(index::Args),
    /// Show what changed, line by line
    Diff(diff::Args),
    /// List the files that changed since a moment
    Changed(changed::Args),
    /// List every version of a handoff
    Versions(versions::Args),
    /// Get one sealed file, and go on where it was cut off
    Get(get::Args),
    /// Put the files of a revision into an archive
    Archive(versions::ArchiveArgs),
    /// Put the files of a revision into a folder
    Restore(versions::RestoreArgs),
    /// Ask others to keep off files: take, keep, see and free advisory locks
    Lock(lock::Args),
    /// Give the present moment a name, such as `build 318`
    Mark(mark::Args),
    /// Let go of sealed bytes that nothing needs any more
    Gc(gc::Args),
    /// Approve the newest revision
    Approve(decide::Args),
    /// Ask for another revision
    Changes(decide::Args),
    /// Reject for good
    Reject(decide::Args),
    /// Answer a question
    Respond(decide::Args),
    /// Close it without a yes or a no; the agent goes on without it
    Ignore(decide::Args),
    /// Where it takes several people: leave it to the others
    Abstain(decide::Args),
    /// Give an answer in the words of another tool
    Answer(tongue::AnswerArgs),
    /// Print the answer to a handoff, also in the words of another tool
    Decision(tongue::DecisionArgs),
    /// Say something without deciding
    Comment(remark::CommentArgs),
    /// Hold a thread of a handoff for done
    Resolve(remark::ResolveArgs),
    /// Take a handoff, so that others need not look
    Claim(people::ClaimArgs),
    /// Give a handoff back to those who are asked
    Release(people::ClaimArgs),
    /// Ask somebody else
    Assign(people::AssignArgs),
    /// Ask somebody else as well
    Escalate(people::EscalateArgs),
    /// Put a handoff off; its deadlines go on
    Snooze(people::SnoozeArgs),
    /// Give the next work for an agent
    Next(hop::NextArgs),
    /// Take the task of a package
    Accept(hop::AcceptArgs),
    /// Do not take it, and say why
    Decline(hop::RefuseArgs),
    /// Take it later
    Queue(hop::QueueArgs),
    /// Say how far a task is
    Progress(hop::ProgressArgs),
    /// Say that a task is done, with its result
    Complete(hop::CompleteArgs),
    /// Give a task up, and say why
    Fail(hop::FailArgs),
    /// List which agents may hand to which
    Routes(routes::Args),
    /// Show what happens, entry by entry
    Events(events::Args),
    /// Show the path of a task, hop by hop
    Path(routes::PathArgs),
    /// The contracts that handoffs between agents keep
    Contract(contract::Args),
    /// What could not be read or was not answered, and the way back
    DeadLetters(dead_letters::Args),
    /// Which rule fires for a handoff, and why
    Route(route::Args),
    /// How fast people look and answer, beside what was promised
    Sla(sla::Args),
    /// Look into the ledger
    Audit(audit::Args),
    /// Hand a workspace to a person, and back to agents
    Transfer(transfer::Args),
    /// Start an agent that can reach only what its workspace grants
    Run(run::Args),
    /// Check that files are what was approved
    Verify(verify::Args),
    /// Run a command on approved work that is held still
    Gate(gate::Args),
    /// Show what a file is and what it says
    Inspect(inspect::Args),
    /// Manage the tokens of agents
    Token(token::Args),
    /// Make accounts of people, list them, reset and disable them
    User(user::UserArgs),
    /// Let somebody without an account look at one handoff
    Outside(outside::OutsideArgs),
    /// List and end sessions of people
    Session(user::SessionArgs),
    /// See who is told, and try it
    Notify(notify::Args),
    /// Check and show the configuration
    Config(config::Args),
    /// Measure speed beside what this disk can do at best
    Bench(bench::Args),
    /// Print a schema of the contract
    Schema(schema::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the version
    Version,
    /// Read one file for the daemon, with nearly all rights given up
    #[command(hide = true)]
    ExtractWorker(extract_worker::Args),
    /// Give up what a policy does not name and become a command
    #[command(hide = true)]
    Confine(confine::Args),
    /// Try what an agent must not be able to do
    #[command(hide = true)]
    TryBoundary(try_boundary::Args),
    /// Explain a command, or `exit-codes`
    Help(help::Args),
}

/// What a command works with.
pub(crate) struct Context {
    out: Output,
    clock: SharedClock,
    environment: Environment,
    /// The current folder.
    folder: PathBuf,
    options: Options,
    /// Lets time pass between two looks.
    pause: Box<dyn FnMut(Duration)>,
}

impl Context {
    /// The streams, clock, environment and folder of this process.
    fn of_process() -> Self {
        let environment = Environment::of_process();
        Self {
            out: Output::of_process(&environment),
            clock: SystemClock::shared(),
            folder: std::env::current_dir().unwrap_or_default(),
            environment,
            options: Options::default(),
            pause: Box::new(pause),
        }
    }

    fn flags(&self) -> Flags {
        Flags {
            config: self.options.config.clone(),
            data_dir: self.options.data_dir.clone(),
            ..Flags::default()
        }
    }

    fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.flags(), &self.environment)?)
    }

    fn data_dir(&self) -> Result<PathBuf, Failure> {
        Ok(self.config()?.server.data_dir.value)
    }

    /// `path` as seen from the current folder.
    fn at(&self, path: &std::path::Path) -> PathBuf {
        self.folder.join(path)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a command that waits for a file has nothing else to do meanwhile"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Runs the program with the arguments of the process; gives its exit code.
pub fn main() -> u8 {
    run(std::env::args_os(), Context::of_process())
}

fn run(arguments: impl IntoIterator<Item = OsString>, mut context: Context) -> u8 {
    let arguments = search::options_first(arguments.into_iter().collect(), tree());
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &mut context),
    };
    context.options = cli.options;
    context.out.json = context.options.json;
    context.out.set_colour(context.options.color);
    let exit = match dispatch(cli.command, &mut context) {
        Ok(exit) => exit,
        Err(failure) => {
            context.out.failure(&failure);
            failure.exit
        }
    };
    match context.out.finish() {
        None => exit.code(),
        Some(error) => {
            let failure = Failure::new(Exit::Failed, format!("cannot write the output: {error}"));
            context.out.failure(&failure);
            Exit::Failed.code()
        }
    }
}

/// What clap has to say: help and version as data, everything else as an error.
fn usage(error: &clap::Error, context: &mut Context) -> u8 {
    let text = error.render();
    if error.use_stderr() {
        context.out.remark(text.to_string().trim_end());
    } else {
        context.out.bytes(text.to_string().as_bytes());
    }
    u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code())
}

fn dispatch(command: Command, context: &mut Context) -> Result<Exit, Failure> {
    use countersign_protocol::decision::Outcome;
    match command {
        Command::Demo(args) => demo::run(&args, context),
        Command::Init(args) => init::run(&args, context),
        Command::Serve(args) => serve::run(&args, context),
        Command::Open(args) => open::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Validate(args) => validate::run(&args, context),
        Command::Submit(args) => submit::run(&args, context),
        Command::Wait(args) => wait::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Checkpoint(args) => checkpoint::run(&args, context),
        Command::Withdraw(args) => remark::withdraw(&args, context),
        Command::Ls(args) => ls::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Search(args) => search::run(&args, context),
        Command::Index(args) => index::run(&args, context),
        Command::Diff(args) => diff::run(&args, context),
        Command::Changed(args) => changed::run(&args, context),
        Command::Versions(args) => versions::run(&args, context),
        Command::Get(args) => get::run(&args, context),
        Command::Archive(args) => versions::archive(&args, context),
        Command::Restore(args) => versions::restore(&args, context),
        Command::Lock(args) => lock::run(args, context),
        Command::Mark(args) => mark::run(&args, context),
        Command::Gc(args) => gc::run(&args, context),
        Command::Approve(args) => decide::run(&args, Outcome::Approved, context),
        Command::Changes(args) => decide::run(&args, Outcome::ChangesRequested, context),
        Command::Reject(args) => decide::run(&args, Outcome::Rejected, context),
        Command::Respond(args) => decide::run(&args, Outcome::Responded, context),
        Command::Ignore(args) => decide::run(&args, Outcome::Ignored, context),
        Command::Abstain(args) => decide::run(&args, Outcome::Abstained, context),
        Command::Answer(args) => tongue::answer(&args, context),
        Command::Decision(args) => tongue::decision(&args, context),
        Command::Comment(args) => remark::comment(&args, context),
        Command::Resolve(args) => remark::resolve(&args, context),
        Command::Claim(args) => people::claim(&args, context),
        Command::Release(args) => people::release(&args, context),
        Command::Assign(args) => people::assign(&args, context),
        Command::Escalate(args) => people::escalate(&args, context),
        Command::Snooze(args) => people::snooze(&args, context),
        Command::Next(args) => hop::next(&args, context),
        Command::Accept(args) => hop::accept(&args, context),
        Command::Decline(args) => hop::decline(&args, context),
        Command::Queue(args) => hop::queue(&args, context),
        Command::Progress(args) => hop::progress(&args, context),
        Command::Complete(args) => hop::complete(&args, context),
        Command::Fail(args) => hop::fail(&args, context),
        Command::Routes(args) => routes::run(&args, context),
        Command::Events(args) => events::run(&args, context),
        Command::Path(args) => routes::path(&args, context),
        Command::Contract(args) => contract::run(&args, context),
        Command::DeadLetters(args) => dead_letters::run(&args, context),
        Command::Route(args) => route::run(&args, context),
        Command::Sla(args) => sla::run(&args, context),
        Command::Audit(args) => audit::run(&args, context),
        Command::Transfer(args) => transfer::run(&args, context),
        Command::Run(args) => run::run(&args, context),
        Command::Confine(args) => confine::run(&args),
        Command::TryBoundary(args) => try_boundary::run(&args, context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Gate(args) => gate::run(&args, context),
        Command::Token(args) => token::run(&args, context),
        Command::User(args) => user::user(&args, context),
        Command::Outside(args) => outside::outside(&args, context),
        Command::Session(args) => user::session(&args, context),
        Command::Notify(args) => notify::run(&args, context),
        Command::Config(args) => config::run(&args, context),
        Command::Bench(args) => bench::run(&args, context),
        Command::Schema(args) => schema::run(&args, context),
        Command::Completions(args) => Ok(completions::run(&args, context)),
        Command::Version => Ok(version::run(context)),
        Command::Inspect(args) => inspect::run(&args, context),
        Command::ExtractWorker(args) => Ok(extract_worker::run(&args)),
        Command::Help(args) => help::run(&args, context),
    }
}

/// The whole tree of commands, for help and completions.
fn tree() -> clap::Command {
    Cli::command()
}

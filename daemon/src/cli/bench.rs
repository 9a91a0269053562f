//! `countersign bench`: speed, each workload beside its floor in the same run.

mod search;

use std::{path::PathBuf, sync::Arc};

use serde_json::json;

use super::{
    Context,
    exit::{Exit, Failure},
    output::{Cell, Output, Table},
};
use crate::bench::{
    self, BenchError, Burst, Fanout, Idle, Locks, Machine, Moments, Pages, Plan, Ratio, Relay,
    Report, Review, Scale, Spread, Trigger,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure; else all but W12
    #[arg(value_enum)]
    workloads: Vec<Workload>,
    /// Handoffs in each workload; else 1000 in W1, 10000 in W2 and W11; locks of one client in W7, else 1000; files of the
    /// one of W8 and messages by each channel of W9, else 10000; requests of each kind in W4, else 200; files that
    /// W5 looks for, else 100; revisions of W12, else 1000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: Option<u32>,
    /// Files in W6 and W10, and of the corpus of W3 to W5; else 200000, 100000 and 100000; in W12, else 10000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    files: Option<u32>,
    /// How long W10 looks
    #[arg(long, value_name = "TIME", default_value = "2m")]
    span: crate::config::Span,
    /// Rounds of W2 and W6
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// A folder on the file system to measure; else the one for temporary files
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Workload {
    /// From the rename of a handoff to the news on loopback
    W1,
    /// Many handoffs at once
    W2,
    /// An index of very many files
    W3,
    /// Queries over them
    W4,
    /// How soon a file is found while others change
    W5,
    /// Durable locks over HTTP, of one client and of many
    W7,
    /// The review page of a handoff with very many files
    W8,
    /// Very many messages, by webhook and by mail
    W9,
    /// From the start to ready over very many files
    W6,
    /// Very many files and nothing to do
    W10,
    /// From agent to agent
    W11,
    /// Very many revisions of very many files; only when it is named
    W12,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let wants = |workload| args.workloads.is_empty() || args.workloads.contains(&workload);
    let count = |usual| {
        args.count
            .map_or(usual, |count| usize::try_from(count).unwrap_or(usual))
    };
    let files = |usual| {
        args.files
            .map_or(usual, |files| usize::try_from(files).unwrap_or(usual))
    };
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot find this program: {error}"))
    })?;
    let plan = Plan {
        program,
        dir: match &args.dir {
            Some(dir) => context.at(dir),
            None => std::env::temp_dir(),
        },
        trigger: wants(Workload::W1).then(|| count(1_000)),
        burst: wants(Workload::W2).then(|| count(10_000)),
        rounds: usize::from(args.rounds),
        corpus: files(100_000),
        indexing: wants(Workload::W3),
        query: wants(Workload::W4).then(|| count(200)),
        fresh: wants(Workload::W5).then(|| count(100)),
        locks: wants(Workload::W7).then(|| count(1_000)),
        relay: wants(Workload::W11).then(|| count(10_000)),
        moments: args
            .workloads
            .contains(&Workload::W12)
            .then(|| (files(10_000), count(1_000))),
        review: wants(Workload::W8).then(|| count(10_000).min(10_000)),
        fanout: wants(Workload::W9).then(|| count(10_000)),
        scale: wants(Workload::W6).then(|| files(200_000)),
        idle: wants(Workload::W10).then(|| (files(100_000), args.span.0)),
    };
    let clock = Arc::clone(&context.clock);
    let out = &mut context.out;
    let report = bench::run(&plan, &clock, |step| out.remark(step)).map_err(failed)?;
    if context.out.json {
        context.out.object("bench", json!(report));
    } else {
        show(&report, &mut context.out);
    }
    Ok(Exit::Done)
}

fn failed(error: BenchError) -> Failure {
    let failure = Failure::new(Exit::Failed, error.to_string());
    match error {
        BenchError::Fs(_) => failure.hint("name a folder that you may write with `--dir`"),
        BenchError::Daemon(_) => failure.hint("run it with `countersign serve DIR` to see why"),
        _ => failure,
    }
}

fn show(report: &Report, out: &mut Output) {
    out.remark(&machine(&report.machine));
    if report.machine.build == "debug" {
        out.hint("this is a debug build; measure with `cargo run --release -- bench`");
    }
    if let Some(trigger) = &report.w1 {
        show_trigger(trigger, out);
    }
    if let Some(burst) = &report.w2 {
        show_burst(burst, out);
    }
    if let Some(indexing) = &report.w3 {
        search::show_indexing(indexing, out);
    }
    if let Some(query) = &report.w4 {
        search::show_query(query, out);
    }
    if let Some(fresh) = &report.w5 {
        search::show_fresh(fresh, out);
    }
    if let Some(locks) = &report.w7 {
        show_locks(locks, out);
    }
    if let Some(relay) = &report.w11 {
        show_relay(relay, out);
    }
    if let Some(moments) = &report.w12 {
        show_moments(moments, out);
    }
    if let Some(review) = &report.w8 {
        show_review(review, out);
    }
    if let Some(pages) = &report.w8_pages {
        show_pages(pages, out);
    }
    if let Some(fanout) = &report.w9 {
        show_fanout(fanout, out);
    }
    if let Some(scale) = &report.w6 {
        show_scale(scale, out);
    }
    if let Some(idle) = &report.w10 {
        show_idle(idle, out);
    }
}

fn machine(machine: &Machine) -> String {
    let load = |load: Option<f64>| load.map_or_else(|| "?".to_owned(), |load| load.to_string());
    format!(
        "{} cores, {}, {}, {} build, load {} before and {} after",
        machine.cores,
        machine.kernel,
        machine.file_system,
        machine.build,
        load(machine.load_before),
        load(machine.load_after)
    )
}

/// A name and five figures of it.
fn spread_row(name: &str, spread: &Spread) -> Vec<Cell> {
    let Spread {
        min,
        p50,
        p90,
        p99,
        max,
    } = *spread;
    let figures = [min, p50, p90, p99, max].map(|figure| Cell::new(format!("{figure:.3}")));
    [Cell::new(name)].into_iter().chain(figures).collect()
}

fn show_trigger(trigger: &Trigger, out: &mut Output) {
    out.remark("");
    out.remark(trigger.compares);
    let mut table = Table::new(&["W1, milliseconds", "min", "p50", "p90", "p99", "max"]);
    table.row(spread_row("floor", &trigger.floor));
    table.row(spread_row("ours", &trigger.ours));
    table.row(spread_row("webhook", &trigger.webhook));
    for (name, ratio) in [
        ("ours / floor", &trigger.ratio),
        ("webhook / floor", &trigger.webhook_ratio),
    ] {
        let ratio = [ratio.min, ratio.p50, ratio.p90, ratio.p99];
        let ratio = ratio.map(|ratio| Cell::new(format!("{ratio:.2}")));
        table.row([Cell::new(name)].into_iter().chain(ratio).collect());
    }
    out.table(&table);
    out.remark(&format!(
        "{} of {} recorded; goal: p50 and p99 at most {} times the floor: {}{}",
        trigger.recorded,
        trigger.samples,
        trigger.goal,
        reached(trigger.met),
        memory(trigger.peak_memory)
    ));
}

fn show_relay(relay: &Relay, out: &mut Output) {
    out.remark("");
    out.remark(relay.compares);
    let mut table = Table::new(&["W11, milliseconds", "min", "p50", "p90", "p99", "max"]);
    table.row(spread_row("floor", &relay.floor));
    table.row(spread_row("ours", &relay.ours));
    let Ratio { min, p50, p90, p99 } = relay.ratio;
    let ratio = [min, p50, p90, p99].map(|ratio| Cell::new(format!("{ratio:.2}")));
    let name = [Cell::new("ours / floor")];
    table.row(name.into_iter().chain(ratio).collect());
    out.table(&table);
    out.remark(&format!(
        "{} handoffs among {} agents, {} recorded, {} lost, {} twice; {:.0} per second at once; goal: none lost, none twice: {}",
        relay.handoffs,
        relay.agents,
        relay.recorded,
        relay.lost,
        relay.twice,
        relay.per_second,
        reached(relay.met)
    ));
}

fn show_moments(moments: &Moments, out: &mut Output) {
    out.remark("");
    out.remark(moments.compares);
    let mut table = Table::new(&["W12, milliseconds", "min", "p50", "p90", "p99", "max"]);
    table.row(spread_row("taken in", &moments.taken));
    table.row(spread_row("first questions", &moments.first));
    table.row(spread_row("later questions", &moments.later));
    out.table(&table);
    out.remark(&format!(
        "{} revisions of {} files, one copy of {}: ledger {}, sealed files {}: {:.2} copies; index of what was asked about {}; p95 of later questions {:.1} ms; goal: less than {} copies and {} ms: {}",
        moments.revisions,
        moments.files,
        mebibytes(moments.copy),
        mebibytes(moments.ledger),
        mebibytes(moments.objects),
        moments.copies,
        mebibytes(moments.index),
        moments.p95,
        moments.goal.0,
        moments.goal.1,
        reached(moments.met)
    ));
    let [before, after] =
        [moments.memory_before, moments.memory_after].map(Option::unwrap_or_default);
    out.remark(&format!(
        "most memory of the daemon {} before the questions, {} after them",
        mebibytes(before),
        mebibytes(after)
    ));
}

fn show_burst(burst: &Burst, out: &mut Output) {
    out.remark("");
    out.remark(burst.compares);
    let mut table = Table::new(&[
        "W2",
        "recorded",
        "seconds",
        "per second",
        "ratio",
        "answered",
        "peak RSS",
    ]);
    for (number, round) in burst.rounds.iter().enumerate() {
        for (name, run) in [("floor", &round.floor), ("ours", &round.ours)] {
            let mut cells = vec![
                Cell::new(format!("{name} {}", number + 1)),
                Cell::new(run.recorded.to_string()),
                Cell::new(format!("{:.2}", run.seconds)),
                Cell::new(format!("{:.0}", run.rate)),
            ];
            if name == "ours" {
                let answered = round
                    .answered
                    .map_or_else(|| "never".to_owned(), |seconds| format!("{seconds:.2}"));
                let memory = round.peak_memory.map_or_else(String::new, mebibytes);
                cells.push(Cell::new(format!("{:.2}", round.ratio)));
                cells.push(Cell::new(answered));
                cells.push(Cell::new(memory));
            }
            table.row(cells);
        }
    }
    out.table(&table);
    out.remark(&format!(
        "{} handoffs in {} folders; median ratio {:.2}; goal: all of them, at {} of the floor's rate: {}",
        burst.handoffs,
        burst.folders,
        burst.ratio,
        burst.goal,
        reached(burst.met)
    ));
}

fn show_locks(locks: &Locks, out: &mut Output) {
    out.remark("");
    out.remark(locks.compares);
    let mut table = Table::new(&["W7, milliseconds", "min", "p50", "p90", "p99", "max"]);
    table.row(spread_row("floor, one commit", &locks.floor));
    table.row(spread_row("ours, one client", &locks.ours));
    for peer in &locks.peers {
        table.row(spread_row(
            &format!("{}, one client", peer.name),
            &peer.single,
        ));
    }
    out.table(&table);
    let mut table = Table::new(&["W7, clients at once", "pairs per second", "ours to it"]);
    let mut row = |name: &str, rate: f64, ratio: f64| {
        table.row(vec![
            Cell::new(name),
            Cell::new(format!("{rate:.0}")),
            Cell::new(format!("{ratio:.1}")),
        ]);
    };
    row(
        "floor, two commits in turn",
        locks.floor_rate,
        locks.rate / locks.floor_rate.max(1e-9),
    );
    for peer in &locks.peers {
        row(peer.name, peer.rate, peer.ratio);
    }
    row("ours", locks.rate, 1.0);
    out.table(&table);
    let met = match locks.met {
        Some(met) => reached(met),
        None => "not decided without etcd",
    };
    out.remark(&format!(
        "{} pairs of {} clients; one client / floor at p50 {:.2}, goal {}; goal: {} times the lock of etcd: {}{}",
        locks.pairs,
        locks.clients,
        locks.ratio.p50,
        locks.single_goal,
        locks.crowd_goal,
        met,
        memory(locks.peak_memory)
    ));
}

fn show_review(review: &Review, out: &mut Output) {
    out.remark("");
    out.remark(review.compares);
    let mut table = Table::new(&["W8, milliseconds", "min", "p50", "p90", "p99", "max"]);
    let crowd = format!("{} readers", review.readers);
    for (name, spread) in [
        ("floor", &review.floor),
        ("one reader", &review.ours),
        (crowd.as_str(), &review.crowd),
    ] {
        table.row(spread_row(name, spread));
    }
    out.table(&table);
    let memory = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), mebibytes);
    out.remark(&format!(
        "{} files, a page of {} bytes; one reader / floor at p50 {:.1}; p95 {:.1} ms, goal {:.0} ms: {}; \
         peak RSS of the daemon {} before the {} readers and {} after",
        review.files,
        review.page,
        review.ratio.p50,
        review.p95,
        review.goal,
        reached(review.met),
        memory(review.memory_before),
        review.readers,
        memory(review.memory_after),
    ));
}

fn show_pages(pages: &Pages, out: &mut Output) {
    out.remark("");
    out.remark(pages.compares);
    let mut table = Table::new(&["W8, milliseconds", "min", "p50", "p90", "p99", "max"]);
    for (name, load) in [
        ("floor", &pages.floor),
        ("queue", &pages.queue),
        ("review", &pages.review),
        ("search", &pages.search),
    ] {
        table.row(spread_row(name, &load.spread));
    }
    out.table(&table);
    let [queue, review, search] = pages.goals;
    out.remark(&format!(
        "{} handoffs wait, {} connections; floor {:.0}/s, queue {:.0}/s of {} bytes, review {:.0}/s, search {:.0}/s; \
         queue / floor {:.2}, goal {:.2}; p95 of the queue {:.1} ms, goal {queue:.0}; of the review {:.1} ms, goal {review:.0}; \
         of the search {:.1} ms, goal {search:.0}: {}",
        pages.handoffs,
        pages.connections,
        pages.floor.rate,
        pages.queue.rate,
        pages.queue.bytes,
        pages.review.rate,
        pages.search.rate,
        pages.ratio,
        pages.goal,
        pages.queue.p95,
        pages.review.p95,
        pages.search.p95,
        reached(pages.met),
    ));
}

fn show_fanout(fanout: &Fanout, out: &mut Output) {
    out.remark("");
    out.remark(fanout.compares);
    let mut table = Table::new(&[
        "W9",
        "arrived",
        "again",
        "bytes",
        "floor/s",
        "ours/s",
        "ratio",
        "RSS by quarter",
    ]);
    for (name, channel) in [("webhook", &fanout.webhook), ("mail", &fanout.mail)] {
        let memory = channel.memory.iter().map(|bytes| mebibytes(*bytes));
        table.row(vec![
            Cell::new(name),
            Cell::new(format!("{} of {}", channel.arrived, channel.messages)),
            Cell::new(channel.again.to_string()),
            Cell::new(channel.bytes.to_string()),
            Cell::new(format!("{:.0}", channel.floor)),
            Cell::new(format!("{:.0}", channel.ours)),
            Cell::new(format!("{:.2}", channel.ratio)),
            Cell::new(memory.collect::<Vec<_>>().join(", ")),
        ]);
    }
    out.table(&table);
    out.remark(&format!(
        "goal: all of them, at {} of the floor's rate, with memory flat: webhook {}, mail {}",
        fanout.goal,
        reached(fanout.webhook.met),
        reached(fanout.mail.met)
    ));
}

fn show_scale(scale: &Scale, out: &mut Output) {
    out.remark("");
    out.remark(scale.compares);
    let mut table = Table::new(&["W6, seconds", "floor", "ours", "ratio"]);
    for (number, (floor, ours)) in scale.floor.iter().zip(&scale.ours).enumerate() {
        table.row(vec![
            Cell::new((number + 1).to_string()),
            Cell::new(format!("{floor:.2}")),
            Cell::new(format!("{ours:.2}")),
            Cell::new(format!("{:.2}", ours / floor)),
        ]);
    }
    out.table(&table);
    out.remark(&format!(
        "{} files in {} folders; median ratio {:.2}; goal: at most {} and {}: {}{}",
        scale.files,
        scale.folders,
        scale.ratio,
        scale.goal,
        mebibytes(scale.memory_goal),
        reached(scale.met),
        memory(scale.peak_memory)
    ));
    out.remark(&format!(
        "one change costs {:.0} microseconds of a core here, and {:.0} in a workspace with one folder",
        scale.per_event, scale.per_event_small
    ));
}

fn show_idle(idle: &Idle, out: &mut Output) {
    out.remark("");
    out.remark(idle.compares);
    let resident = idle.memory.map_or_else(String::new, mebibytes);
    out.remark(&format!(
        "W10: {} files in {} folders over {:.0} s: {:.0} ms in a minute, RSS {resident}; goal: at most {:.0} ms and {}: {}",
        idle.files,
        idle.folders,
        idle.seconds,
        idle.busy,
        idle.goal,
        mebibytes(idle.memory_goal),
        reached(idle.met)
    ));
}

fn reached(met: bool) -> &'static str {
    if met { "reached" } else { "missed" }
}

fn memory(bytes: Option<u64>) -> String {
    bytes.map_or_else(String::new, |bytes| {
        format!("; peak RSS of the daemon {}", mebibytes(bytes))
    })
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}

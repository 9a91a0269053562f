//! What W3, W4 and W5 saw.

use super::{mebibytes, memory, reached, spread_row};
use crate::{
    bench::{Fresh, Indexing, Query, Spread},
    cli::output::{Cell, Output, Table},
};

pub(super) fn show_indexing(seen: &Indexing, out: &mut Output) {
    out.remark("");
    out.remark(seen.compares);
    let mut table = Table::new(&["W3", "seconds", "MB/s"]);
    for (name, seconds) in [
        ("read every file", seen.floor),
        ("raw Tantivy", seen.raw),
        ("ours", seen.ours),
    ] {
        #[expect(clippy::cast_precision_loss, reason = "bytes, to be read by people")]
        let rate = seen.bytes as f64 / 1e6 / seconds.max(1e-3);
        table.row(vec![
            Cell::new(name),
            Cell::new(format!("{seconds:.2}")),
            Cell::new(format!("{rate:.0}")),
        ]);
    }
    for (name, seconds) in [("find -printf", seen.find), ("ours again", seen.again)] {
        table.row(vec![
            Cell::new(name),
            Cell::new(format!("{seconds:.2}")),
            Cell::new(""),
        ]);
    }
    out.table(&table);
    out.remark(&format!(
        "{} files, {}; index {}; ours / raw {:.2}, goal {}; again / find {:.2}, goal {}; memory goal {}: {}{}",
        seen.files,
        mebibytes(seen.bytes),
        mebibytes(seen.index),
        seen.ratio,
        seen.goal,
        seen.again_ratio,
        seen.again_goal,
        mebibytes(seen.memory_goal),
        reached(seen.met),
        memory(seen.peak_memory)
    ));
}

pub(super) fn show_query(seen: &Query, out: &mut Output) {
    out.remark("");
    out.remark(seen.compares);
    let mut table = Table::new(&[
        "W4, milliseconds",
        "finds",
        "p50",
        "p99",
        "raw p50",
        "raw p99",
        "scan p50",
        "times faster",
        "goal",
    ]);
    let figure = |figure: Option<f64>| {
        Cell::new(figure.map_or_else(String::new, |figure| format!("{figure:.2}")))
    };
    for kind in &seen.kinds {
        let of = |spread: Option<Spread>, which: fn(&Spread) -> f64| spread.as_ref().map(which);
        table.row(vec![
            Cell::new(kind.name),
            Cell::new(kind.total.to_string()),
            figure(Some(kind.ours.p50)),
            figure(Some(kind.ours.p99)),
            figure(of(kind.raw, |spread| spread.p50)),
            figure(of(kind.raw, |spread| spread.p99)),
            figure(of(kind.scan, |spread| spread.p50)),
            figure(kind.faster),
            Cell::new(reached(kind.met)),
        ]);
    }
    out.table(&table);
    out.remark(&format!(
        "{} files, {} requests of each; goal: p99 at most {:.0} ms, and substrings and patterns {:.0} times \
         faster than a scan: {}; RSS of the daemon {}",
        seen.files,
        seen.requests,
        seen.goal,
        seen.faster_goal,
        reached(seen.met),
        seen.memory.map_or_else(|| "?".to_owned(), mebibytes)
    ));
}

pub(super) fn show_fresh(seen: &Fresh, out: &mut Output) {
    out.remark("");
    out.remark(seen.compares);
    let mut table = Table::new(&["W5, milliseconds", "min", "p50", "p90", "p99", "max"]);
    table.row(spread_row("raw Tantivy", &seen.raw));
    table.row(spread_row("ours", &seen.ours));
    out.table(&table);
    out.remark(&format!(
        "{} files, {} looked for, {:.0} others written in a second; goal: p99 at most {:.0} ms: {}",
        seen.files,
        seen.samples,
        seen.changes,
        seen.goal,
        reached(seen.met)
    ));
}

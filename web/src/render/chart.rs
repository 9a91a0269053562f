//! Charts as shapes: numbers in, places out. Templates write them as SVG, and the sheet colours them.

use serde::Serialize;

use crate::desk::insights::{AgeRow, AgentRow, CalibrationRow, DayRow, LookRow, WeekRow};

/// Width and height of every chart, in units of its own.
pub const SIZE: (f64, f64) = (560.0, 230.0);
const TOP: f64 = 16.0;
const BOTTOM: f64 = 200.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 546.0;

/// Something that is drawn. `class` names its role in the sheet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Shape {
    /// A line.
    Line {
        /// `ax`, `goal`, `ci`, `tick`.
        class: &'static str,
        /// Both ends: x, y, x, y.
        at: [f64; 4],
    },
    /// A line through many places.
    Path {
        /// `l1`, `l2`.
        class: &'static str,
        /// As SVG writes them.
        points: String,
    },
    /// A bar.
    Bar {
        /// `p1`, `pw`, `pb`.
        class: &'static str,
        /// x, y, width, height.
        at: [f64; 4],
    },
    /// A mark: `dot`, `diamond` or `triangle`.
    Mark {
        /// `p1`, `p2`, `pw`, `pb`.
        class: &'static str,
        /// Its shape, since colour alone says nothing.
        shape: &'static str,
        /// x, y and half of the width.
        at: [f64; 3],
    },
    /// Words.
    Text {
        /// Empty, `v` or `b`.
        class: &'static str,
        /// x and y of its foot.
        at: [f64; 2],
        /// `start`, `middle` or `end`.
        anchor: &'static str,
        /// The words.
        text: String,
    },
}

/// A chart with its table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chart {
    /// The heading.
    pub title: &'static str,
    /// How to read it.
    pub lead: &'static str,
    /// What it shows, one sentence.
    pub finding: String,
    /// What is drawn; nothing when there is nothing to draw yet.
    pub shapes: Vec<Shape>,
    /// The heads of the columns of the table.
    pub head: Vec<&'static str>,
    /// The rows of the table.
    pub rows: Vec<Vec<String>>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and seconds are drawn, and are far below 2^52"
)]
fn number(value: u64) -> f64 {
    value as f64
}

fn many(value: usize) -> f64 {
    number(value as u64)
}

/// Places are written with one decimal, so that pages are the same everywhere.
fn at(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn text(class: &'static str, x: f64, y: f64, anchor: &'static str, text: String) -> Shape {
    Shape::Text {
        class,
        at: [at(x), at(y)],
        anchor,
        text,
    }
}

fn line(class: &'static str, x1: f64, y1: f64, x2: f64, y2: f64) -> Shape {
    Shape::Line {
        class,
        at: [x1, y1, x2, y2].map(at),
    }
}

/// The next of 1, 2, 4, 5, 6, 8 and 10 times a power of ten.
fn ceiling(value: f64) -> f64 {
    if value <= 4.0 {
        return 4.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let found = steps.iter().find(|step| **step * power >= value);
    found.map_or(value, |step| step * power)
}

/// Four lines across with their numbers, up to `most`.
fn scale(most: f64, shapes: &mut Vec<Shape>) {
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let y = BOTTOM - (BOTTOM - TOP) * share;
        shapes.push(line("ax", LEFT, y, RIGHT, y));
        shapes.push(text(
            "",
            LEFT - 6.0,
            y + 3.5,
            "end",
            format!("{}", at(most * share)),
        ));
    }
}

fn height(value: f64, most: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * (value / most)
}

fn day(at: jiff::Timestamp) -> String {
    at.strftime("%-d %b").to_string()
}

fn minutes(seconds: u64) -> f64 {
    at(number(seconds) / 60.0)
}

/// How many percent `part` is of `of`.
fn percent(part: usize, of: usize) -> usize {
    (part * 200 + of).checked_div(of * 2).unwrap_or(0)
}

/// Time to decision by week: the median, the ninth tenth, and the promise.
pub fn decisions(weeks: &[WeekRow], promised: Option<u64>) -> Chart {
    let known: Vec<(usize, f64, f64)> = weeks
        .iter()
        .enumerate()
        .filter_map(|(week, row)| {
            row.took
                .map(|took| (week, minutes(took.p50), minutes(took.p90)))
        })
        .collect();
    let mut shapes = Vec::new();
    let slowest = known.iter().map(|(_, _, p90)| *p90).fold(0.0, f64::max);
    let goal = promised.map(minutes);
    let most = ceiling(slowest.max(goal.unwrap_or(0.0)));
    let x = |week: usize| LEFT + (RIGHT - 90.0 - LEFT) * many(week) / many(weeks.len().max(2) - 1);
    if let Some((last, p50, p90)) = known.last() {
        scale(most, &mut shapes);
        shapes.push(text("", LEFT, 9.0, "start", "minutes".to_owned()));
        if let Some(goal) = goal {
            let y = height(goal, most);
            shapes.push(line("goal", LEFT, y, RIGHT, y));
            shapes.push(text(
                "",
                LEFT + 4.0,
                y - 5.0,
                "start",
                format!("promise, {goal} min"),
            ));
        }
        let path = |class, pick: fn(&(usize, f64, f64)) -> f64| {
            let points = known
                .iter()
                .map(|row| format!("{},{}", at(x(row.0)), at(height(pick(row), most))));
            Shape::Path {
                class,
                points: points.collect::<Vec<_>>().join(" "),
            }
        };
        shapes.push(path("l2", |row| row.2));
        shapes.push(path("l1", |row| row.1));
        for row in &known {
            let place = [x(row.0), height(row.1, most), 2.5].map(at);
            shapes.push(Shape::Mark {
                class: "p1",
                shape: "dot",
                at: place,
            });
        }
        let (low, high) = (height(*p50, most), height(*p90, most));
        // Two labels never stand on each other.
        let high = if (low - high).abs() < 12.0 {
            low - 12.0
        } else {
            high
        };
        shapes.push(text(
            "b",
            x(*last) + 7.0,
            low + 4.0,
            "start",
            format!("median {p50}"),
        ));
        shapes.push(text(
            "",
            x(*last) + 7.0,
            high + 4.0,
            "start",
            format!("9 of 10 in {p90}"),
        ));
        for (week, row) in weeks.iter().enumerate().step_by(3) {
            shapes.push(text("", x(week), 222.0, "middle", day(row.from)));
        }
    }
    let finding = match (known.first(), known.last()) {
        (Some(first), Some(last)) if known.len() > 1 => format!(
            "The median went from {} to {} minutes, nine of ten from {} to {}.",
            first.1, last.1, first.2, last.2
        ),
        (Some(only), _) if only.1 < 1.0 => "Half were decided within a minute.".to_owned(),
        (Some(only), _) => format!("Half were decided within {} minutes.", only.1),
        (None, _) => "Nothing was decided in this time.".to_owned(),
    };
    Chart {
        title: "Time to decision",
        lead: "From handed over to the answer, by week. Solid is the median, dashed nine of ten.",
        finding,
        shapes,
        head: vec!["Week of", "Decided", "Median, min", "Nine of ten, min"],
        rows: weeks
            .iter()
            .map(|row| {
                let took = |pick: fn(crate::desk::service::Quantiles) -> u64| {
                    row.took
                        .map_or("–".to_owned(), |took| minutes(pick(took)).to_string())
                };
                vec![
                    day(row.from),
                    row.decided.to_string(),
                    took(|took| took.p50),
                    took(|took| took.p90),
                ]
            })
            .collect(),
    }
}

/// The range in which a share lies with 95 % (Wilson's interval), 0 to 1.
pub fn wilson(good: usize, of: usize) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (z, n) = (1.96_f64, many(of));
    let share = many(good) / n;
    let middle = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    ((middle - half) / scale, (middle + half) / scale)
}

/// Approved first time, by agent.
pub fn agents(rows: &[AgentRow]) -> Chart {
    const FROM: f64 = 150.0;
    const TO: f64 = 480.0;
    let x = |share: f64| FROM + (TO - FROM) * share;
    let mut shapes = Vec::new();
    if !rows.is_empty() {
        for step in 0_u32..=4 {
            let share = f64::from(step) / 4.0;
            shapes.push(line("ax", x(share), TOP, x(share), BOTTOM));
            shapes.push(text(
                "",
                x(share),
                220.0,
                "middle",
                format!("{} %", step * 25),
            ));
        }
    }
    for (place, row) in rows.iter().enumerate() {
        let y = TOP + 11.5 + 23.0 * many(place);
        let (low, high) = wilson(row.first_time, row.of);
        let share = many(row.first_time) / many(row.of.max(1));
        let name: String = row.agent.chars().take(20).collect();
        shapes.push(text("v", FROM - 8.0, y + 4.0, "end", name));
        shapes.push(line("ci", x(low), y, x(high), y));
        let is_low = share < 0.6;
        shapes.push(Shape::Mark {
            class: if is_low { "pw" } else { "p1" },
            shape: if is_low { "diamond" } else { "dot" },
            at: [x(share), y, 4.5].map(at),
        });
        let words = format!("{} % of {}", percent(row.first_time, row.of), row.of);
        shapes.push(text("v", SIZE.0 - 4.0, y + 4.0, "end", words));
    }
    let finding = match (rows.first(), rows.last()) {
        (Some(best), Some(worst)) if rows.len() > 1 => format!(
            "From {} % for {} down to {} % for {}.",
            percent(best.first_time, best.of),
            best.agent,
            percent(worst.first_time, worst.of),
            worst.agent
        ),
        (Some(only), _) => {
            let share = percent(only.first_time, only.of);
            format!("{share} % of the first revisions of {}.", only.agent)
        }
        (None, _) => "No first revision was answered in this time.".to_owned(),
    };
    Chart {
        title: "Approved first time, by agent",
        lead: "The mark is the share, the line its 95 % range. A long line: too few to judge.",
        finding,
        shapes,
        head: vec!["Agent", "Approved first time", "Answered", "Share"],
        rows: rows
            .iter()
            .map(|row| {
                vec![
                    row.agent.clone(),
                    row.first_time.to_string(),
                    row.of.to_string(),
                    format!("{} %", percent(row.first_time, row.of)),
                ]
            })
            .collect(),
    }
}

/// A span of seconds in words.
fn span(from: u64, to: Option<u64>) -> String {
    let short = |seconds: u64| match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    };
    match (from, to) {
        (0, Some(to)) => format!("under {}", short(to)),
        (from, Some(to)) => format!("{} to {}", short(from), short(to)),
        (from, None) => format!("over {}", short(from)),
    }
}

/// What waits now, by age: a mark for each.
pub fn ages(rows: &[AgeRow]) -> Chart {
    /// Marks in a row; the number says the rest.
    const MARKS: usize = 22;
    let mut shapes = Vec::new();
    let total = |row: &AgeRow| row.low + row.medium + row.high;
    let all: usize = rows.iter().map(total).sum();
    for (place, row) in rows.iter().enumerate().filter(|_| all > 0) {
        let y = TOP + 18.0 + 40.0 * many(place);
        shapes.push(text("v", 100.0, y + 4.0, "end", span(row.from, row.to)));
        let marks = [
            (row.high, "pb", "triangle"),
            (row.medium, "pw", "diamond"),
            (row.low, "p2", "dot"),
        ];
        let marks = marks
            .iter()
            .flat_map(|(count, class, shape)| std::iter::repeat_n((*class, *shape), *count));
        for (mark, (class, shape)) in marks.take(MARKS).enumerate() {
            let x = 118.0 + 18.0 * many(mark);
            shapes.push(Shape::Mark {
                class,
                shape,
                at: [x, y, 5.5].map(at),
            });
        }
        let end = 124.0 + 18.0 * many(total(row).min(MARKS));
        shapes.push(text("b", end, y + 4.0, "start", total(row).to_string()));
    }
    let old = rows.last().map_or(0, total);
    Chart {
        title: "Waiting now, by age",
        lead: "One mark is one handoff. Shape and colour are the risk.",
        finding: match all {
            0 => "Nothing waits for a person.".to_owned(),
            all => format!("{all} wait, {old} of them over a day."),
        },
        shapes,
        head: vec!["Has waited", "High", "Medium", "Low"],
        rows: rows
            .iter()
            .map(|row| {
                let counts = [row.high, row.medium, row.low];
                let counts = counts.into_iter().map(|count| count.to_string());
                std::iter::once(span(row.from, row.to))
                    .chain(counts)
                    .collect()
            })
            .collect(),
    }
}

/// Stated confidence against how often such work was approved.
pub fn calibration(rows: &[CalibrationRow], floor: f64) -> Chart {
    const SIDE: f64 = 330.0;
    let x = |share: f64| LEFT + SIDE * share;
    let mut shapes = Vec::new();
    if !rows.is_empty() {
        for step in 0_u32..=4 {
            let share = f64::from(step) / 4.0;
            let y = height(share, 1.0);
            shapes.push(line("ax", LEFT, y, LEFT + SIDE, y));
            shapes.push(text(
                "",
                LEFT - 6.0,
                y + 3.5,
                "end",
                format!("{} %", step * 25),
            ));
            shapes.push(text("", x(share), 218.0, "middle", format!("{share}")));
        }
        shapes.push(line(
            "tick",
            x(0.0),
            height(0.0, 1.0),
            x(1.0),
            height(1.0, 1.0),
        ));
        shapes.push(line("goal", x(floor), TOP, x(floor), BOTTOM));
        shapes.push(text(
            "",
            x(floor) + 4.0,
            TOP + 8.0,
            "start",
            format!("floor {floor}"),
        ));
    }
    let share = |row: &CalibrationRow| many(row.approved) / many(row.of.max(1));
    let is_over = |row: &CalibrationRow| row.of >= 10 && share(row) + 0.1 < row.stated;
    for row in rows {
        let size = (3.0 + many(row.of).sqrt() / 1.5).min(11.0);
        shapes.push(Shape::Mark {
            class: if is_over(row) { "pw" } else { "p1" },
            shape: if is_over(row) { "diamond" } else { "dot" },
            at: [x(row.stated), height(share(row), 1.0), size].map(at),
        });
    }
    let worst = rows.iter().filter(|row| is_over(row)).max_by(|a, b| {
        let gap = |row: &CalibrationRow| row.stated - share(row);
        gap(a).total_cmp(&gap(b))
    });
    let finding = match worst {
        Some(row) => format!(
            "Work stated at about {:.2} was approved {} % of the time: surer than it should be.",
            row.stated,
            percent(row.approved, row.of)
        ),
        None if rows.is_empty() => "No answered work stated a confidence.".to_owned(),
        None => "No group of ten or more is surer than it should be.".to_owned(),
    };
    Chart {
        title: "Can you trust stated confidence?",
        lead: "What agents stated, against how often it was approved at once. Under the dashed line: too sure.",
        finding,
        shapes,
        head: vec!["Stated, mean", "Approved", "Answered", "Share"],
        rows: rows
            .iter()
            .map(|row| {
                vec![
                    format!("{:.2}", row.stated),
                    row.approved.to_string(),
                    row.of.to_string(),
                    format!("{} %", percent(row.approved, row.of)),
                ]
            })
            .collect(),
    }
}

/// Bars of two kinds side by side.
fn bars(groups: &[(String, usize, usize)], classes: [&'static str; 2]) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let most = groups.iter().map(|(_, one, other)| *one.max(other)).max();
    let Some(most) = most.filter(|most| *most > 0) else {
        return shapes;
    };
    let most = ceiling(many(most));
    scale(most, &mut shapes);
    let step = (RIGHT - LEFT) / many(groups.len());
    let width = (step * 0.36).min(26.0);
    let every = groups.len().div_ceil(7);
    for (place, (label, one, other)) in groups.iter().enumerate() {
        let middle = LEFT + step * (many(place) + 0.5);
        for (value, class, x) in [
            (*one, classes[0], middle - width - 1.0),
            (*other, classes[1], middle + 1.0),
        ] {
            let y = height(many(value), most);
            let place = [x, y, width, BOTTOM - y].map(at);
            shapes.push(Shape::Bar { class, at: place });
        }
        if place.is_multiple_of(every) {
            shapes.push(text("", middle, 218.0, "middle", label.clone()));
        }
    }
    shapes
}

/// The share of looks under half a minute in approvals of high risk.
pub fn hasty(rows: &[LookRow]) -> (usize, usize) {
    let quick = rows.iter().filter(|row| row.to.is_some_and(|to| to <= 30));
    let all = rows.iter().map(|row| row.high).sum();
    (quick.map(|row| row.high).sum(), all)
}

/// Time spent before approving.
pub fn looks(rows: &[LookRow]) -> Chart {
    let groups: Vec<_> = rows
        .iter()
        .map(|row| (span(row.from, row.to), row.others, row.high))
        .collect();
    let (quick, high) = hasty(rows);
    let all: usize = rows.iter().map(|row| row.others + row.high).sum();
    Chart {
        title: "Time spent before approving",
        lead: "From the first look at the page to the approval. Dark is high risk.",
        finding: match (all, high) {
            (0, _) => "Nothing that was looked at on its page was approved.".to_owned(),
            (_, 0) => "No approval of high risk.".to_owned(),
            _ => format!("{quick} of {high} approvals of high risk took under half a minute."),
        },
        shapes: bars(&groups, ["p1", "pb"]),
        head: vec!["Looked for", "Low and medium", "High"],
        rows: groups
            .into_iter()
            .map(|(label, others, high)| vec![label, others.to_string(), high.to_string()])
            .collect(),
    }
}

/// In and out per day.
pub fn days(rows: &[DayRow]) -> Chart {
    let groups: Vec<_> = rows
        .iter()
        .map(|row| (day(row.from), row.came, row.decided))
        .collect();
    let came: usize = rows.iter().map(|row| row.came).sum();
    let decided: usize = rows.iter().map(|row| row.decided).sum();
    Chart {
        title: "In and out per day",
        lead: "Handed over on the left, decided on the right, for fourteen days.",
        finding: match came {
            0 => "Nothing came in fourteen days.".to_owned(),
            _ => format!("{came} came and {decided} were decided in fourteen days."),
        },
        shapes: bars(&groups, ["p2", "p1"]),
        head: vec!["Day", "Handed over", "Decided"],
        rows: groups
            .into_iter()
            .map(|(label, came, decided)| vec![label, came.to_string(), decided.to_string()])
            .collect(),
    }
}

#[cfg(test)]
mod tests;

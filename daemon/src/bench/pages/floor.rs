//! The floor of the queue: a bare server that reads fifty rows from SQLite, renders them and writes the page.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
};

use minijinja::{Environment, value::Serde};
use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::{BenchError, CONNECTIONS, ROWS, system};

/// A row with what the queue shows of a plain handoff, each value once.
const TEMPLATE: &str = "\
{%- for card in cards -%}
<li><h3><a href=\"/h/{{ card.id }}\">{{ card.title }}</a></h3><p>{{ card.why }}</p>\
<p>{{ card.id }} {{ card.agent }} {{ card.place }} {{ card.files }}</p>\
{%- if card.confidence %}<b>{{ card.confidence }}</b>{% else %}<span>No confidence stated</span>{% endif -%}
<i>{{ card.risk }}</i><b title=\"{{ card.due }}\">{{ card.waiting }}</b></li>
{%- endfor -%}";

/// A row as it is read.
#[derive(Debug, Serialize)]
struct Card {
    id: i64,
    due: i64,
    title: String,
    why: String,
    agent: String,
    place: String,
    files: String,
    confidence: Option<f64>,
    risk: String,
    waiting: String,
}

/// What the template shows.
#[derive(Debug, Serialize)]
struct Rows {
    cards: Vec<Card>,
}

impl Card {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            due: row.get(1)?,
            title: row.get(2)?,
            why: row.get(3)?,
            agent: row.get(4)?,
            place: row.get(5)?,
            files: row.get(6)?,
            confidence: row.get(7)?,
            risk: row.get(8)?,
            waiting: row.get(9)?,
        })
    }
}

/// Listens; each page has `bytes` bytes, 50 of `rows` rows in it. The database is at `path`.
pub(super) fn start(path: &Path, rows: usize, bytes: usize) -> Result<SocketAddr, BenchError> {
    fill(path, rows)?;
    let listening = || system("listen on loopback");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(listening())?;
    let address = listener.local_addr().map_err(listening())?;
    let path = path.to_owned();
    std::thread::Builder::new()
        .name("floor".to_owned())
        .spawn(move || {
            for stream in listener.incoming().take(CONNECTIONS).flatten() {
                let path = path.clone();
                // One that cannot be started is a reader that hears nothing, and says so.
                let _ = std::thread::Builder::new().spawn(move || serve(&stream, &path, bytes));
            }
        })
        .map_err(system("start a thread"))?;
    Ok(address)
}

fn fill(path: &Path, rows: usize) -> Result<(), BenchError> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE card (
             id INTEGER PRIMARY KEY, due INTEGER NOT NULL, title TEXT NOT NULL, why TEXT NOT NULL, agent TEXT NOT NULL,
             place TEXT NOT NULL, files TEXT NOT NULL, confidence REAL, risk TEXT NOT NULL, waiting TEXT NOT NULL
         ) STRICT;
         CREATE INDEX card_by_due ON card (due);",
    )?;
    let transaction = connection.transaction()?;
    for number in 0..rows {
        transaction.execute(
            "INSERT INTO card (due, title, why, agent, place, files, confidence, risk, waiting)
             VALUES (?1, ?2, 'review asked by the agent', 'bench', ?3, '1 file', NULL, 'Low', '3 min')",
            params![
                i64::try_from(number % 97).unwrap_or_default(),
                format!("Check the figures of region {number}"),
                format!("workspace / part-{number}"),
            ],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

fn serve(stream: &TcpStream, path: &PathBuf, bytes: usize) -> Result<(), BenchError> {
    let broken = || system("answer on loopback");
    stream.set_nodelay(true).map_err(broken())?;
    let mut input = BufReader::new(stream.try_clone().map_err(broken())?);
    let connection = Connection::open(path)?;
    let mut templates = Environment::new();
    // The name says that values are written as HTML.
    templates.add_template("queue.html", TEMPLATE)?;
    let filler = "x".repeat(bytes);
    let mut line = String::new();
    while input.read_line(&mut line).map_err(broken())? > 0 {
        if line == "\r\n" {
            let page = page(&connection, &templates, &filler)?;
            send(stream, &page).map_err(broken())?;
        }
        line.clear();
    }
    Ok(())
}

fn send(mut stream: &TcpStream, page: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", page.len());
    stream.write_all((head + page).as_bytes())
}

/// The rows as HTML, and so much of `filler` that the page is as long as it.
fn page(
    connection: &Connection,
    templates: &Environment<'_>,
    filler: &str,
) -> Result<String, BenchError> {
    let mut asked = connection.prepare_cached(
        "SELECT id, due, title, why, agent, place, files, confidence, risk, waiting FROM card ORDER BY due LIMIT ?1",
    )?;
    let cards = asked
        .query_map([i64::try_from(ROWS).unwrap_or(i64::MAX)], Card::read)?
        .collect::<rusqlite::Result<_>>()?;
    let mut page = templates
        .get_template("queue.html")?
        .render(Serde(Rows { cards }))?;
    page.push_str(&filler[page.len().min(filler.len())..]);
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_fifty_rows_in_order_and_as_many_bytes_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("floor.db");
        fill(&path, 200).unwrap();
        let mut templates = Environment::new();
        templates.add_template("queue.html", TEMPLATE).unwrap();
        let page = page(
            &Connection::open(&path).unwrap(),
            &templates,
            &"x".repeat(40_000),
        )
        .unwrap();
        assert_eq!(page.len(), 40_000);
        assert_eq!(page.matches("<li>").count(), ROWS);
        assert!(page.contains("Check the figures of region 97<"), "{page}");
        assert!(!page.contains("Check the figures of region 96<"), "{page}");
    }
}

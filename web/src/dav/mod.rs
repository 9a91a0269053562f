//! Workspaces and sealed work as a network folder that anybody's file manager mounts: `WebDAV` (RFC 4918),
//! class 1, for reading. See `docs/decisions/0032-a-folder-to-mount.md`.

mod asked;
mod multistatus;
#[cfg(test)]
mod tests;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse as _, Response},
    routing::any,
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use self::asked::Asked;
use crate::{
    api::files,
    desk::Caller,
    error::Problem,
    security::{PathOf, Signed},
    state::AppState,
};

/// Where the folder is.
pub(crate) const PREFIX: &str = "/dav";
/// What is done with it.
const METHODS: HeaderValue = HeaderValue::from_static("OPTIONS, GET, HEAD, PROPFIND");
/// Most bytes of a question. File managers send some hundred.
const LONGEST: usize = 16 << 10;
/// Rows that are put into words at once, so that a long list is sent while it is written.
const ROWS: usize = 256;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/dav", any(top))
        .route("/dav/", any(top))
        .route("/dav/{*path}", any(beneath))
}

/// Whether a request for `path` is one for the folder, where file managers show a token as a password.
pub(crate) fn is_beneath(path: &str) -> bool {
    path.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The same problem, with the one way to say who somebody is that file managers know (RFC 7617).
pub(crate) fn challenge(problem: Problem) -> Problem {
    problem
        .hint("The password is a token, made under Settings; the name does not matter.")
        .header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"countersign\", charset=\"UTF-8\""),
        )
}

async fn top(
    State(app): State<AppState>,
    who: Result<Signed, Problem>,
    (method, headers): (Method, HeaderMap),
    body: Bytes,
) -> Result<Response, Problem> {
    answer(&app, "", who, (&method, &headers), &body).await
}

async fn beneath(
    State(app): State<AppState>,
    PathOf(path): PathOf<String>,
    who: Result<Signed, Problem>,
    (method, headers): (Method, HeaderMap),
    body: Bytes,
) -> Result<Response, Problem> {
    let path = path.strip_suffix('/').unwrap_or(&path);
    answer(&app, path, who, (&method, &headers), &body).await
}

async fn answer(
    app: &AppState,
    path: &str,
    who: Result<Signed, Problem>,
    (method, headers): (&Method, &HeaderMap),
    body: &[u8],
) -> Result<Response, Problem> {
    let Signed(who) = who.map_err(challenge)?;
    if let Caller::Agent(_) = who {
        return Err(Problem::people_only());
    }
    match method.as_str() {
        "OPTIONS" => {
            // Class 1 alone: nothing is locked by way of the folder, since nothing is written by it.
            let class = [("dav", "1"), ("ms-author-via", "DAV")];
            Ok(([(header::ALLOW, METHODS)], class).into_response())
        }
        "GET" | "HEAD" => {
            if app.desk.mounted(&who, path).await?.file.is_none() {
                return Err(not_here(method)
                    .hint("This is a network folder. Connect to it with a file manager."));
            }
            let (file, tag) = app.desk.mounted_file(&who, path).await?;
            files::send_open(file, &tag, method, headers).await
        }
        "PROPFIND" => {
            if body.len() > LONGEST {
                return Err(asked::malformed("It is longer than a question can be."));
            }
            let asked = Asked::read(body)?;
            let deep = match headers.get("depth").map(HeaderValue::as_bytes) {
                Some(b"0") => false,
                Some(b"1") => true,
                // Nobody needs all files of all workspaces at once (RFC 4918, section 9.1).
                _ => return Ok(multistatus::too_deep()),
            };
            found(app, &who, path, deep, asked).await
        }
        // Not 405: to `MKCOL` that says that the folder is there already (RFC 4918, section 9.3.1).
        "PUT" | "DELETE" | "MKCOL" | "COPY" | "MOVE" | "LOCK" | "UNLOCK" | "PROPPATCH" => {
            Err(Problem::forbidden("The folder is for reading."))
        }
        _ => Err(not_here(method)),
    }
}

fn not_here(method: &Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "This cannot be done here",
        format!("It does not take {method} here."),
    )
    .header(header::ALLOW, METHODS)
}

/// What is at `path`, and when `deep` what is in it.
async fn found(
    app: &AppState,
    who: &Caller,
    path: &str,
    deep: bool,
    asked: Asked,
) -> Result<Response, Problem> {
    let itself = app.desk.mounted(who, path).await?;
    let href = multistatus::href(PREFIX, path);
    let inside = if deep && itself.file.is_none() {
        app.desk.mounted_in(who, path).await?
    } else {
        Vec::new()
    };
    let mut head = multistatus::HEAD.to_owned();
    multistatus::write(&mut head, &href, &itself, &asked);
    let rows = stream::unfold(inside.into_iter(), move |mut left| {
        let mut text = String::new();
        for node in left.by_ref().take(ROWS) {
            let href = multistatus::href(&href, &node.name);
            multistatus::write(&mut text, &href, &node, &asked);
        }
        let next = (!text.is_empty()).then(|| (Ok::<_, std::io::Error>(Bytes::from(text)), left));
        async { next }
    });
    let whole = stream::once(async { Ok(Bytes::from(head)) });
    let tail = stream::once(async { Ok(Bytes::from_static(multistatus::TAIL.as_bytes())) });
    let body = Body::from_stream(whole.chain(rows).chain(tail));
    Ok((StatusCode::MULTI_STATUS, multistatus::XML, body).into_response())
}

//! The templates: embedded, strict, escaped, and open to replacement by the operator.

use std::{borrow::Cow, path::PathBuf, sync::Arc};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter,
    path_loader,
    value::{Serde, ValueKind},
};
use rust_embed::RustEmbed;
use serde::Serialize;

use crate::{assets, render::visible::visible};

#[derive(RustEmbed)]
#[folder = "../templates/"]
#[exclude = "assets/*"]
struct Embedded;

/// Instructions that one page may take. The largest page takes a few hundred thousand; a template
/// of an operator that never ends is stopped here.
const FUEL: u64 = 10_000_000;

/// A page: what its template is and, by its fields, what the template may name.
pub trait Page: Serialize {
    /// Path of the template below `templates/`.
    const TEMPLATE: &'static str;

    /// Contexts that together reach every branch of the template.
    #[cfg(test)]
    fn samples() -> Vec<Self>
    where
        Self: Sized;
}

/// The templates of the operator cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the template `{name}` cannot be used: {why}")]
pub struct TemplateError {
    /// Path below `templates/`.
    pub name: String,
    /// With the line.
    pub why: String,
}

/// All templates.
#[derive(Clone, Debug)]
pub struct Templates {
    environment: Arc<Environment<'static>>,
}

impl Templates {
    /// The embedded templates; those in `overrides` come first. Every template is compiled here, so
    /// that a mistake stops the start and not a reviewer.
    pub fn load(overrides: Option<PathBuf>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        // Pages and mail are HTML; what goes to chats is JSON, in which every value stands encoded.
        environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
            Some((_, "txt")) => AutoEscape::None,
            Some((_, "json")) => AutoEscape::Json,
            _ => AutoEscape::Html,
        });
        environment.set_formatter(|out, state, value| {
            match state.auto_escape() {
                AutoEscape::Html => {}
                AutoEscape::None if !value.is_safe() => {
                    let text = text_of(value);
                    return out.write_str(&visible(&text)).map_err(Error::from);
                }
                _ => return escape_formatter(out, state, value),
            }
            if value.is_safe() || matches!(value.kind(), ValueKind::Number | ValueKind::Bool) {
                return escape_formatter(out, state, value);
            }
            let text = text_of(value);
            out.write_str(&escaped(&visible(&text)))
                .map_err(Error::from)
        });
        environment.add_filter("exact", |text: &str| {
            Value::from_safe_string(escaped(text).into_owned())
        });
        environment.add_filter("code", |text: &str| Value::from_safe_string(code(text)));
        environment.add_filter("slack", slack);
        environment.add_filter("markdown", markdown);
        environment.add_function("asset", |name: &str| {
            assets::url(name).ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidOperation,
                    format!("there is no asset `{name}`"),
                )
            })
        });
        let theirs = overrides.map(path_loader);
        environment.set_loader(move |name| {
            if let Some(source) = theirs
                .as_ref()
                .map(|load| load(name))
                .transpose()?
                .flatten()
            {
                return Ok(Some(source));
            }
            let file = Embedded::get(name);
            Ok(file.map(|file| String::from_utf8_lossy(&file.data).into_owned().into()))
        });
        for name in Embedded::iter() {
            environment
                .get_template(&name)
                .map_err(|error| TemplateError {
                    name: name.to_string(),
                    why: format!("{error:#}"),
                })?;
        }
        Ok(Self {
            environment: Arc::new(environment),
        })
    }

    /// The embedded templates alone.
    ///
    /// # Panics
    /// Never: a test compiles them.
    #[expect(clippy::expect_used, reason = "a test compiles the embedded templates")]
    pub fn embedded() -> Self {
        Self::load(None).expect("the embedded templates compile")
    }

    /// The names of the embedded templates.
    pub fn names() -> impl Iterator<Item = String> {
        Embedded::iter().map(Cow::into_owned)
    }

    /// Renders a page.
    pub fn render<P: Page>(&self, page: &P) -> Result<String, TemplateError> {
        self.fill(P::TEMPLATE, page)
    }

    /// Renders the template `name` with what `context` holds. How values are written follows the name:
    /// escaped in `.html`, encoded in `.json`, as they are in `.txt`; hidden characters never are as they are.
    pub fn fill(&self, name: &str, context: &impl Serialize) -> Result<String, TemplateError> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(Serde(context)))
            .map_err(|error| TemplateError {
                name: name.to_owned(),
                why: format!("{error:#}"),
            })
    }
}

/// A value as text.
fn text_of(value: &Value) -> Cow<'_, str> {
    let other = || Cow::Owned(value.to_string());
    value.as_str().map_or_else(other, Cow::Borrowed)
}

/// The text for an element or a quoted attribute (HTML, section 13.3). Unlike the escape of the
/// engine it leaves `/` alone, which is no danger there and would make every link unreadable.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(['&', '<', '>', '"', '\'']) else {
        return Cow::Borrowed(text);
    };
    let (plain, rest) = text.split_at(first);
    let mut html = String::with_capacity(text.len() + 16);
    html.push_str(plain);
    for c in rest.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    Cow::Owned(html)
}

/// The three characters that have a meaning in messages of Slack, as its format wants them written.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Every character that may have a meaning in Markdown, made to stand for itself.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if "\\`*_{}[]()<>#~|@!".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Our own sentences name fields and commands in backticks; those become `code` elements. What stands
/// between them may come from an agent and is escaped like everything else.
fn code(text: &str) -> String {
    let shown = visible(text);
    let parts: Vec<&str> = shown.split('`').collect();
    let mut html = String::with_capacity(shown.len() + 16);
    for (at, part) in parts.iter().enumerate() {
        let is_open = at % 2 == 1;
        let is_closed = at + 1 < parts.len();
        html.push_str(match (is_open, is_closed) {
            (true, true) => "<code translate=\"no\">",
            (true, false) => "`",
            (false, _) => "",
        });
        html.push_str(&escaped(part));
        if is_open && is_closed {
            html.push_str("</code>");
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Probe {
        text: String,
    }

    impl Page for Probe {
        const TEMPLATE: &'static str = "probe.html";

        fn samples() -> Vec<Self> {
            Vec::new()
        }
    }

    fn probe(template: &str, text: &str) -> Result<String, TemplateError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probe.html");
        #[expect(clippy::disallowed_methods, reason = "a test writes its own folder")]
        std::fs::write(path, template).unwrap();
        let templates = Templates::load(Some(folder.path().to_owned())).unwrap();
        let text = text.to_owned();
        templates.render(&Probe { text })
    }

    #[test]
    fn text_is_escaped_and_hidden_characters_are_written_out() {
        assert_eq!(
            probe("<p>{{ text }}</p>", "<b>\u{202E}'\"").unwrap(),
            "<p>&lt;b&gt;‹U+202E›&#39;&quot;</p>"
        );
        assert_eq!(
            probe("{{ text|exact }}", "<\u{200D}>").unwrap(),
            "&lt;\u{200D}&gt;"
        );
    }

    #[test]
    fn backticks_become_code_and_nothing_else_does() {
        for (text, html) in [
            ("plain", "plain"),
            ("write `0.8`.", "write <code translate=\"no\">0.8</code>."),
            ("`a` and `b", "<code translate=\"no\">a</code> and `b"),
            (
                "`<b>\u{202E}`",
                "<code translate=\"no\">&lt;b&gt;‹U+202E›</code>",
            ),
            ("", ""),
        ] {
            assert_eq!(probe("{{ text|code }}", text).unwrap(), html);
        }
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let error = probe("{{ txet }}", "").unwrap_err();
        assert!(error.to_string().contains("probe.html"), "{error}");
        assert!(probe("{{ asset('nothing.css') }}", "").is_err());
    }

    #[test]
    fn a_template_without_end_is_stopped() {
        let error = probe(
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "",
        )
        .unwrap_err();
        assert!(error.why.contains("fuel"), "{error}");
    }

    #[test]
    fn a_broken_template_of_the_operator_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test writes its own folder")]
        std::fs::write(folder.path().join("base.html"), "{% if %}").unwrap();
        let error = Templates::load(Some(folder.path().to_owned())).unwrap_err();
        assert_eq!(error.name, "base.html");
        Templates::load(None).unwrap();
    }
}

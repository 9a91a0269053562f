//! A browser, driven over the W3C `WebDriver` protocol.
//!
//! The protocol is a handful of JSON requests; the crates that speak it bring sixty others, one of
//! them under terms that deny.toml does not list.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{http::Http, wait};

/// The key under which `WebDriver` names an element (`WebDriver`, section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys that have no character (`WebDriver`, section 17.4.2).
pub mod key {
    /// Enter.
    pub const ENTER: char = '\u{e007}';
    /// Escape.
    pub const ESCAPE: char = '\u{e00c}';
    /// Control, held until the end of the chord.
    pub const CONTROL: char = '\u{e009}';
}

/// A running chromedriver; stopped when dropped, and its browsers with it.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    http: Http,
}

/// What a browser is started with.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width of the window in CSS pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Whether the person prefers dark.
    pub dark: bool,
    /// Whether scripts run.
    pub scripts: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 1440,
            height: 900,
            dark: false,
            scripts: true,
        }
    }
}

/// One browser with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    http: Http,
    session: String,
}

/// Something on the page.
#[derive(Clone, Debug)]
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Driver {
    /// Starts chromedriver on a free port.
    pub fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .args(["--allowed-ips=127.0.0.1", "--log-level=OFF"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed; `./test browser` does it");
        let http = Http::new(&format!("http://127.0.0.1:{port}"), None);
        wait::until("chromedriver", || {
            let status = http.get("/status").ok()?.json();
            (status["value"]["ready"] == true).then_some(())
        });
        Self { child, http }
    }

    /// Opens a browser.
    pub fn open(&self, look: Look) -> Browser {
        let Look { width, height, .. } = look;
        let mut args = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--force-device-scale-factor=1".to_owned(),
            format!("--window-size={width},{height}"),
        ];
        if look.dark {
            args.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let prefs = if look.scripts {
            json!({})
        } else {
            json!({ "profile.managed_default_content_settings.javascript": 2 })
        };
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": args, "prefs": prefs },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let reply = self.http.push("/session", &capabilities).expect(200).json();
        let session = reply["value"]["sessionId"].as_str();
        let browser = Browser {
            http: self.http.clone(),
            session: session.expect("a session has an id").to_owned(),
        };
        // The window option counts the frame of the window; this is the page itself.
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.devtools("Emulation.setEmulatedMedia", &media);
        browser
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.http.get("/shutdown");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        let body = if method == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        let json = [("content-type", "application/json")];
        let reply = self
            .http
            .send(method, &path, &json, body.as_bytes())
            .map_err(|gone| gone.0)?;
        let value = reply.json()["value"].take();
        if reply.status == 200 {
            Ok(value)
        } else {
            Err(format!("{path}: {} {}", value["error"], value["message"]))
        }
    }

    fn must(&self, method: &str, path: &str, body: &Value) -> Value {
        self.command(method, path, body)
            .unwrap_or_else(|why| panic!("{why}"))
    }

    /// A command of the `DevTools` protocol.
    pub fn devtools(&self, command: &str, params: &Value) -> Value {
        self.must(
            "POST",
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": params }),
        )
    }

    /// Opens `url`, and an address of the daemon that is open by the name it has here: sessions are kept at a host name of
    /// its own, whatever name a link gives it.
    pub fn go(&self, url: &str) {
        let here = self.url();
        let authority = |url: &str| {
            let rest = url.split_once("://")?.1;
            Some(rest.split(['/', '?']).next().unwrap_or_default().to_owned())
        };
        let (Some(known), Some(asked)) = (authority(&here), authority(url)) else {
            return self.follow(url);
        };
        let port = |authority: &str| authority.rsplit_once(':').map(|(_, port)| port.to_owned());
        if known.contains(".localhost:") && port(&known) == port(&asked) {
            self.follow(&url.replacen(&asked, &known, 1));
        } else {
            self.follow(url);
        }
    }

    /// Opens `url` as it is written.
    pub fn follow(&self, url: &str) {
        self.must("POST", "/url", &json!({ "url": url }));
    }

    /// The address that is shown.
    pub fn url(&self) -> String {
        self.must("GET", "/url", &Value::Null)
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Everything that a CSS selector finds now.
    pub fn all(&self, css: &str) -> Vec<Element<'_>> {
        let found = self.must(
            "POST",
            "/elements",
            &json!({ "using": "css selector", "value": css }),
        );
        found
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|element| {
                Some(Element {
                    browser: self,
                    id: element[ELEMENT].as_str()?.to_owned(),
                })
            })
            .collect()
    }

    /// Waits for what a CSS selector finds.
    pub fn find(&self, css: &str) -> Element<'_> {
        wait::until(&format!("`{css}` on {}", self.url()), || {
            self.all(css).into_iter().next()
        })
    }

    /// The visible text of the page.
    pub fn text(&self) -> String {
        wait::until("a page", || self.all("body").first()?.try_text())
    }

    /// Waits until the page says `words`.
    pub fn says(&self, words: &str) {
        let seen = wait::within(wait::LIMIT, || self.text().contains(words).then_some(()));
        assert!(
            seen.is_some(),
            "`{words}` is not on {}:\n{}",
            self.url(),
            self.text()
        );
    }

    /// Waits until the address has `part` in it.
    pub fn arrives(&self, part: &str) {
        wait::until(&format!("an address with `{part}`"), || {
            self.url().contains(part).then_some(())
        });
    }

    /// The name of the tab that is looked at.
    pub fn tab(&self) -> String {
        let handle = self.must("GET", "/window", &Value::Null);
        handle.as_str().unwrap_or_default().to_owned()
    }

    /// Opens another tab and looks at it; gives its name.
    pub fn new_tab(&self) -> String {
        let made = self.must("POST", "/window/new", &json!({ "type": "tab" }));
        let handle = made["handle"].as_str().unwrap_or_default().to_owned();
        self.to_tab(&handle);
        handle
    }

    /// Looks at another tab.
    pub fn to_tab(&self, handle: &str) {
        self.must("POST", "/window", &json!({ "handle": handle }));
    }

    /// Closes the tab that is looked at; another one has to be looked at next.
    pub fn close_tab(&self) {
        self.must("DELETE", "/window", &Value::Null);
    }

    /// Presses keys one after the other, wherever the focus is; a chord begins with a modifier.
    pub fn press(&self, keys: &[char]) {
        let down = keys
            .iter()
            .map(|key| json!({ "type": "keyDown", "value": key }));
        let up = keys
            .iter()
            .rev()
            .map(|key| json!({ "type": "keyUp", "value": key }));
        let actions: Vec<Value> = down.chain(up).collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.must("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    /// Types text, wherever the focus is.
    pub fn write(&self, text: &str) {
        text.chars().for_each(|key| self.press(&[key]));
    }

    /// Runs a script and gives its value.
    pub fn run(&self, script: &str) -> Value {
        self.must(
            "POST",
            "/execute/sync",
            &json!({ "script": script, "args": [] }),
        )
    }

    /// A picture of the window, as PNG.
    pub fn screenshot(&self) -> Vec<u8> {
        let picture = self.must("GET", "/screenshot", &Value::Null);
        BASE64_STANDARD
            .decode(picture.as_str().unwrap_or_default())
            .expect("a picture is Base64")
    }

    /// Errors on the console, for example a broken content security policy.
    pub fn console_errors(&self) -> Vec<String> {
        let log = self.must("POST", "/se/log", &json!({ "type": "browser" }));
        log.as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] == "SEVERE")
            .filter_map(|entry| Some(entry["message"].as_str()?.to_owned()))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.command("DELETE", "", &Value::Null);
    }
}

impl Element<'_> {
    fn ask(&self, what: &str) -> Result<Value, String> {
        self.browser
            .command("GET", &format!("/element/{}/{what}", self.id), &Value::Null)
    }

    /// Its visible text; `None` when it is gone from the page.
    pub fn try_text(&self) -> Option<String> {
        Some(self.ask("text").ok()?.as_str()?.to_owned())
    }

    /// Its visible text.
    pub fn text(&self) -> String {
        self.try_text().unwrap_or_default()
    }

    /// Clicks it.
    pub fn click(&self) {
        self.browser
            .must("POST", &format!("/element/{}/click", self.id), &json!({}));
    }

    /// Types into it.
    pub fn write(&self, text: &str) {
        self.browser.must(
            "POST",
            &format!("/element/{}/value", self.id),
            &json!({ "text": text }),
        );
    }
}

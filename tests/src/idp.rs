//! A provider of `OpenID` Connect on loopback: `oidc-provider-mock`, which believes whoever says who they are.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{http::Http, python, wait};

/// The release that is installed.
const RELEASE: &str = "oidc-provider-mock==0.3.4";

/// The provider; stopped when dropped.
#[derive(Debug)]
pub struct Idp {
    child: Child,
    /// As it calls itself.
    pub issuer: String,
}

impl Drop for Idp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Idp {
    /// One on a free port, which wants a nonce of everybody.
    pub fn start() -> Self {
        let programs = python::environment("oidc-provider", "oidc_provider_mock", &[RELEASE]);
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = free.local_addr().expect("it listens").port();
        drop(free);
        let child = Command::new(programs.join("python"))
            .args(["-m", "oidc_provider_mock", "--require-nonce", "true"])
            .args(["--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python runs");
        let me = Self {
            child,
            issuer: format!("http://127.0.0.1:{port}"),
        };
        wait::until("the provider to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        me
    }

    /// Requests to it.
    pub fn http(&self) -> Http {
        Http::new(&self.issuer, None)
    }

    /// Makes somebody known there, with what it says of them.
    pub fn knows(&self, subject: &str, claims: &Value) {
        let path = format!("/users/{subject}");
        let body = claims.to_string();
        let json = [("content-type", "application/json")];
        let told = self.http().send("PUT", &path, &json, body.as_bytes());
        let _ = told.expect("it answers").expect(204);
    }

    /// The section of a configuration that signs people in here.
    pub fn section(&self) -> String {
        format!(
            "[sso]\nissuer = \"{}\"\nclient_id = \"countersign\"\nclient_secret = {{ env = \"HOOK_SECRET\" }}\n\
             name = \"House login\"\nallow_private = true\n",
            self.issuer
        )
    }
}

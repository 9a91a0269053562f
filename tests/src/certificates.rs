//! An authority of our own and a certificate for loopback, made for one test.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// The authority, as a file, and what a server needs that it vouches for.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Its certificate, as PEM.
    pub ca: PathBuf,
    /// For servers of `localhost`.
    pub server: Arc<ServerConfig>,
}

fn openssl(folder: &Path, args: &[&str]) {
    let output = Command::new("openssl")
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed; `./test` does it");
    assert!(
        output.status.success(),
        "openssl {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Authority {
    /// Makes one in `folder`.
    ///
    /// # Panics
    /// When openssl does not do it.
    pub fn make(folder: &Path) -> Self {
        const KEY: [&str; 5] = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ];
        let authority = [
            "req",
            "-x509",
            "-days",
            "2",
            "-subj",
            "/CN=Authority of a test",
        ];
        let out = ["-keyout", "ca.key", "-out", "ca.pem"];
        openssl(folder, &[&authority[..], &KEY, &out].concat());
        let server = ["req", "-x509", "-days", "2", "-subj", "/CN=localhost"];
        let vouched = ["-CA", "ca.pem", "-CAkey", "ca.key"];
        let names = [
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ];
        let out = ["-keyout", "server.key", "-out", "server.pem"];
        openssl(
            folder,
            &[&server[..], &KEY, &vouched, &names, &out].concat(),
        );
        let chain = CertificateDer::from_pem_file(folder.join("server.pem"));
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key"));
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("the usual versions of TLS")
            .with_no_client_auth()
            .with_single_cert(
                vec![chain.expect("a certificate was made")],
                key.expect("a key was made"),
            );
        Self {
            ca: folder.join("ca.pem"),
            server: Arc::new(server.expect("they belong together")),
        }
    }
}

//! Commands as scripts and people meet them.

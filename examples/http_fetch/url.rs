//! Addresses of resources: `http://host[:port][/path][?query]`, and nothing else.

use std::fmt;

/// Where a resource is. Its parts are safe to be put into a request as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Begins with `/`; with the query.
    pub(crate) target: String,
}

/// Why a text is no address that can be fetched.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("only http:// is spoken here; https:// would need TLS")]
    Scheme,
    #[error("an address has only visible ASCII characters; write others as %XX")]
    Characters,
    #[error("user and password are not sent; leave them out")]
    User,
    #[error("the host is not a name or an IP address (IPv6 in brackets)")]
    Host,
    #[error("the port is not a number from 1 to 65535")]
    Port,
}

impl Url {
    /// # Errors
    /// The first thing that is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlError::Scheme);
        }
        // A line end in an address would be a request of its own on the wire.
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Characters);
        }
        // What follows `#` is the client's own business.
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlError::User);
        }
        let (host, port) = host_and_port(authority)?;
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Self { host: host.to_owned(), port, target: format!("{slash}{target}") })
    }

    /// Host and port as they stand in an address and in the `Host` header.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        if *port == 80 { host } else { format!("{host}:{port}") }
    }
}

fn host_and_port(authority: &str) -> Result<(&str, u16), UrlError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(UrlError::Host)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| UrlError::Host)?;
            (host, port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            let in_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            if host.is_empty() || !host.bytes().all(in_names) {
                return Err(UrlError::Host);
            }
            (host, port)
        }
    };
    match port {
        "" | ":" => Ok((host, 80)),
        _ => {
            let digits = port.strip_prefix(':').filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
            let port = digits.and_then(|digits| digits.parse().ok()).filter(|port| *port > 0);
            Ok((host, port.ok_or(UrlError::Port)?))
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::{Url, UrlError};

    #[test]
    fn parts_are_found() {
        for (text, host, port, target, shown) in [
            ("http://a", "a", 80, "/", "http://a/"),
            ("HTTP://a.b:8080/c?d=e#f", "a.b", 8080, "/c?d=e", "http://a.b:8080/c?d=e"),
            ("http://127.0.0.1:/", "127.0.0.1", 80, "/", "http://127.0.0.1/"),
            ("http://[::1]:81?q", "::1", 81, "/?q", "http://[::1]:81/?q"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.port, url.target.as_str()), (host, port, target), "{text}");
            assert_eq!(url.to_string(), shown);
            assert_eq!(Url::parse(shown), Ok(url));
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_refused() {
        for (text, error) in [
            ("", UrlError::Scheme),
            ("a/b", UrlError::Scheme),
            ("https://a", UrlError::Scheme),
            ("http://a/\r\nX: y", UrlError::Characters),
            ("http://ä", UrlError::Characters),
            ("http://user:word@a", UrlError::User),
            ("http://", UrlError::Host),
            ("http://:80", UrlError::Host),
            ("http://a[b]", UrlError::Host),
            ("http://[::1", UrlError::Host),
            ("http://[a]", UrlError::Host),
            ("http://a:b", UrlError::Port),
            ("http://a:0", UrlError::Port),
            ("http://a:65536", UrlError::Port),
            ("http://a:+1", UrlError::Port),
            ("http://[::1]80", UrlError::Port),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text:?}");
        }
    }
}

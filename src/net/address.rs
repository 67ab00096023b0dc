//! Socket addresses from text; names by way of threads of their own.

use crate::error::TaskError;
use crate::reactor::ReactorGone;
use crate::runtime::{Handle, any_handle};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

/// What stands for one or more socket addresses, as [`std::net::ToSocketAddrs`] does, but without waiting: up to four
/// threads of the runtime look up names.
///
/// For `SocketAddr`, `(IpAddr, u16)`, `(&str, u16)`, `(String, u16)`, `&str` and `String` as `host:port`, slices of
/// `SocketAddr`, and references to all of them. Sealed.
pub trait ToSocketAddrs: sealed::Target {}

impl<T: sealed::Target + ?Sized> ToSocketAddrs for T {}

mod sealed {
    use super::{Result, Wanted};

    pub trait Target {
        fn wanted(&self) -> Result<Wanted>;
    }
}

use io::Result;
use sealed::Target;

/// One socket address, without a lookup: [`SocketAddr`] and its two kinds, pairs of an IP address and a port, and
/// references to all of them. Sealed.
pub trait ToSocketAddr: single::Address {}

impl<T: single::Address> ToSocketAddr for T {}

pub(super) mod single {
    use super::SocketAddr;

    pub trait Address {
        fn address(&self) -> SocketAddr;
    }

    impl<T: Address> Address for &T {
        fn address(&self) -> SocketAddr {
            T::address(self)
        }
    }
}

/// What is asked for.
#[derive(Debug)]
pub enum Wanted {
    /// Addresses, to be taken as they are.
    Addresses(Vec<SocketAddr>),
    /// A name to be looked up, and a port.
    Name(String, u16),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(host, port) => write!(f, "{host}:{port}"),
            Self::Addresses(addresses) => {
                let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(", "))
            }
        }
    }
}

macro_rules! addresses {
    ($($type:ty: $value:ident => $address:expr;)*) => {$(
        impl Target for $type {
            fn wanted(&self) -> Result<Wanted> {
                let $value = *self;
                Ok(Wanted::Addresses(vec![$address]))
            }
        }

        impl single::Address for $type {
            fn address(&self) -> SocketAddr {
                let $value = *self;
                $address
            }
        }
    )*};
}

addresses! {
    SocketAddr: address => address;
    SocketAddrV4: address => address.into();
    SocketAddrV6: address => address.into();
    (IpAddr, u16): pair => pair.into();
    (Ipv4Addr, u16): pair => pair.into();
    (Ipv6Addr, u16): pair => pair.into();
}

impl Target for [SocketAddr] {
    fn wanted(&self) -> Result<Wanted> {
        Ok(Wanted::Addresses(self.to_vec()))
    }
}

impl Target for str {
    fn wanted(&self) -> Result<Wanted> {
        if let Ok(address) = self.parse() {
            return Ok(Wanted::Addresses(vec![address]));
        }
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidInput, format!("{self:?} {what}"));
        let (host, port) = self.rsplit_once(':').ok_or_else(|| invalid("has no port: write host:port"))?;
        (host, port.parse().map_err(|_| invalid("has a port that is no number from 0 to 65535"))?).wanted()
    }
}

impl Target for (&str, u16) {
    fn wanted(&self) -> Result<Wanted> {
        let &(host, port) = self;
        match host.parse::<IpAddr>() {
            Ok(ip) => (ip, port).wanted(),
            Err(_) => Ok(Wanted::Name(host.to_owned(), port)),
        }
    }
}

impl Target for (String, u16) {
    fn wanted(&self) -> Result<Wanted> {
        (self.0.as_str(), self.1).wanted()
    }
}

impl Target for String {
    fn wanted(&self) -> Result<Wanted> {
        self.as_str().wanted()
    }
}

impl Target for Vec<SocketAddr> {
    fn wanted(&self) -> Result<Wanted> {
        self.as_slice().wanted()
    }
}

impl<T: Target + ?Sized> Target for &T {
    fn wanted(&self) -> Result<Wanted> {
        (**self).wanted()
    }
}

/// The addresses of a name, in the order of the system's resolver.
///
/// Up to four threads, `offtick-names-N`, look up names. They are started on demand and leave when idle, as pool threads do.
/// Closures never hold them up, even if every pool thread hangs; four lookups that hang hold up the next one until the
/// system's resolver gives up. On a [`LocalRuntime`](crate::LocalRuntime) whose closures run in its ticks, lookups do as well.
///
/// Dropping the future gives up; a lookup that has started runs on by itself on its thread.
///
/// # Errors
/// Those of the resolver, with the name in their text; `InvalidInput` for text that is no `host:port`; those of the pool
/// that has no thread; [`ReactorGone`].
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(offtick::net::lookup("localhost:80"));
/// assert!(task.wait()?.iter().all(|address| address.ip().is_loopback()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn lookup(name: impl ToSocketAddrs) -> Result<Vec<SocketAddr>> {
    resolve(&any_handle().map_err(io::Error::other)?, &name).await
}

/// Does what [`lookup`] does, on a given runtime.
pub(super) async fn resolve(handle: &Handle, name: &(impl ToSocketAddrs + ?Sized)) -> Result<Vec<SocketAddr>> {
    let (host, port) = match name.wanted()? {
        Wanted::Addresses(addresses) => return Ok(addresses),
        Wanted::Name(host, port) => (host, port),
    };
    let theirs = host.clone();
    let looked_up = handle
        .spawn_lookup(move || std::net::ToSocketAddrs::to_socket_addrs(&(theirs.as_str(), port)).map(Vec::from_iter));
    let found = looked_up.await.map_err(|error| match error {
        TaskError::RuntimeGone => ReactorGone.into(),
        error => io::Error::other(error),
    })?;
    match found {
        Ok(addresses) if addresses.is_empty() => Err(no_address()),
        Ok(addresses) => Ok(addresses),
        Err(error) => Err(io::Error::new(error.kind(), LookupError { host, error })),
    }
}

pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no address to use")
}

/// A name that could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("looking up {host:?}: {error}")]
struct LookupError {
    host: String,
    error: io::Error,
}

/// What went wrong with which address.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {address}: {error}")]
pub(super) struct AddressError {
    doing: &'static str,
    address: String,
    error: io::Error,
}

impl AddressError {
    /// Not connected in time, to whatever that was.
    pub(super) fn connecting_within(limit: Duration, addresses: &impl ToSocketAddrs) -> io::Error {
        let late = io::Error::new(io::ErrorKind::TimedOut, format!("not within {limit:?}"));
        match addresses.wanted() {
            Ok(wanted) => Self::connecting(wanted, late),
            Err(error) => error,
        }
    }

    pub(super) fn connecting(address: impl fmt::Display, error: io::Error) -> io::Error {
        Self::of("connecting to", address, error)
    }

    pub(super) fn binding(address: impl fmt::Display, error: io::Error) -> io::Error {
        Self::of("binding", address, error)
    }

    fn of(doing: &'static str, address: impl fmt::Display, error: io::Error) -> io::Error {
        if ReactorGone::caused(&error) {
            // Whatever the address.
            return error;
        }
        io::Error::new(error.kind(), Self { doing, address: address.to_string(), error })
    }
}

/// Binds to the first of several addresses that can be bound.
pub(super) async fn bind_first<S>(
    handle: &Handle,
    addresses: impl ToSocketAddrs,
    bind: impl Fn(SocketAddr) -> Result<S>,
) -> Result<S> {
    let mut last = None;
    for address in resolve(handle, &addresses).await? {
        match bind(address) {
            Ok(bound) => return Ok(bound),
            Err(error) => last = Some(AddressError::binding(address, error)),
        }
    }
    Err(last.unwrap_or_else(no_address))
}

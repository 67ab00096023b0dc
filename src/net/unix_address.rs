//! Addresses of Unix sockets: paths and abstract names.

use rustix::net::SocketAddrUnix;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;

/// Returns the address of a path; one that begins with a zero byte is an abstract name (Linux), which has no file.
///
/// # Errors
/// `InvalidInput` for one that is too long, or has a zero byte elsewhere; `Unsupported` where there are no abstract names.
pub(super) fn address(path: &Path) -> io::Result<SocketAddr> {
    match path.as_os_str().as_bytes() {
        [0, name @ ..] => abstract_name(name),
        _ => SocketAddr::from_pathname(path),
    }
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(target_os = "android")]
fn abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::android::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "abstract names of sockets are Linux's own"))
}

/// The same address for the calls that the standard library has for paths alone.
pub(super) fn socket_addr(address: &SocketAddr) -> io::Result<SocketAddrUnix> {
    match address.as_pathname() {
        Some(path) => Ok(SocketAddrUnix::new(path)?),
        None => unnamed(address),
    }
}

#[cfg(target_os = "linux")]
fn unnamed(address: &SocketAddr) -> io::Result<SocketAddrUnix> {
    use std::os::linux::net::SocketAddrExt;
    Ok(SocketAddrUnix::new_abstract_name(address.as_abstract_name().unwrap_or_default())?)
}

#[cfg(target_os = "android")]
fn unnamed(address: &SocketAddr) -> io::Result<SocketAddrUnix> {
    use std::os::android::net::SocketAddrExt;
    Ok(SocketAddrUnix::new_abstract_name(address.as_abstract_name().unwrap_or_default())?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unnamed(_: &SocketAddr) -> io::Result<SocketAddrUnix> {
    Err(io::ErrorKind::InvalidInput.into())
}

/// Returns a path as errors show it: an abstract name begins with `@`.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replacen('\0', "@", 1)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_an_abstract_name_are_told_apart() {
        let path = address(Path::new("/tmp/socket")).expect("a path");
        assert_eq!(path.as_pathname(), Some(Path::new("/tmp/socket")));
        assert_eq!(address(Path::new("/tmp/so\0cket")).expect_err("a zero").kind(), io::ErrorKind::InvalidInput);
        assert_eq!(address(Path::new(&"x".repeat(300))).expect_err("too long").kind(), io::ErrorKind::InvalidInput);
        #[cfg(target_os = "linux")]
        {
            use std::os::linux::net::SocketAddrExt;
            let name = address(Path::new("\0bus")).expect("a name");
            assert_eq!(name.as_abstract_name(), Some(&b"bus"[..]));
            assert_eq!(shown(Path::new("\0bus")), "@bus");
        }
    }
}

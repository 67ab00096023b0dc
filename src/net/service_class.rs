//! The class of service of packets, in the headers of both versions of the internet protocol.

use super::{TcpStream, UdpSocket};
use rustix::net::sockopt;
use std::io;
use std::os::fd::AsFd;

macro_rules! service_class {
    ($($socket:ty)+) => {$(
        impl $socket {
            /// The type of service of packets that are sent: the byte `TOS` of version 4, `TCLASS` of version 6. Its upper
            /// six bits are the code point of differentiated services.
            ///
            /// # Errors
            /// Those of the system.
            pub fn tos(&self) -> io::Result<u8> {
                if self.local_addr()?.is_ipv4() {
                    return Ok(sockopt::ip_tos(self.as_fd())?);
                }
                let class = sockopt::ipv6_tclass(self.as_fd())?;
                u8::try_from(class).map_err(io::Error::other)
            }

            /// Sets the type of service of packets that are sent.
            ///
            /// # Errors
            /// Those of the system.
            pub fn set_tos(&self, tos: u8) -> io::Result<()> {
                Ok(if self.local_addr()?.is_ipv4() {
                    sockopt::set_ip_tos(self.as_fd(), tos)?
                } else {
                    sockopt::set_ipv6_tclass(self.as_fd(), tos.into())?
                })
            }
        }
    )+};
}

service_class!(TcpStream UdpSocket);

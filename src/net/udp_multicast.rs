//! Datagrams to many: broadcast and multicast.

use super::UdpSocket;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

impl UdpSocket {
    /// True if datagrams may be sent to broadcast addresses.
    ///
    /// # Errors
    /// Those of the system.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.watched().get_ref().broadcast()
    }

    /// Whether datagrams may be sent to broadcast addresses. Off by default.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.watched().get_ref().set_broadcast(broadcast)
    }

    /// Receives what is sent to a group, by the interface that has this address; `UNSPECIFIED` lets the system choose.
    ///
    /// # Errors
    /// `InvalidInput` for an address that is no group; `AddrInUse` for one that was joined before; those of the system.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.watched().get_ref().join_multicast_v4(&group, &interface)
    }

    /// As [`join_multicast_v4`](Self::join_multicast_v4); the interface is given by its number, 0 lets the system choose.
    ///
    /// # Errors
    /// Those of [`join_multicast_v4`](Self::join_multicast_v4).
    pub fn join_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        self.watched().get_ref().join_multicast_v6(&group, interface)
    }

    /// Leaves a group that was joined by the same interface.
    ///
    /// # Errors
    /// `AddrNotAvailable` for a group that was not joined; those of the system.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.watched().get_ref().leave_multicast_v4(&group, &interface)
    }

    /// As [`leave_multicast_v4`](Self::leave_multicast_v4).
    ///
    /// # Errors
    /// Those of [`leave_multicast_v4`](Self::leave_multicast_v4).
    pub fn leave_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        self.watched().get_ref().leave_multicast_v6(&group, interface)
    }

    /// True if this machine receives what it sends to groups.
    ///
    /// # Errors
    /// Those of the system.
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.watched().get_ref().multicast_loop_v4()
    }

    /// Whether this machine receives what it sends to groups. On by default.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_multicast_loop_v4(&self, looped: bool) -> io::Result<()> {
        self.watched().get_ref().set_multicast_loop_v4(looped)
    }

    /// Does what [`multicast_loop_v4`](Self::multicast_loop_v4) does, for groups of IPv6.
    ///
    /// # Errors
    /// Those of the system.
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.watched().get_ref().multicast_loop_v6()
    }

    /// Does what [`set_multicast_loop_v4`](Self::set_multicast_loop_v4) does, for groups of IPv6.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_multicast_loop_v6(&self, looped: bool) -> io::Result<()> {
        self.watched().get_ref().set_multicast_loop_v6(looped)
    }

    /// The hops that a datagram to a group may take.
    ///
    /// # Errors
    /// Those of the system.
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.watched().get_ref().multicast_ttl_v4()
    }

    /// Sets the hops that a datagram to a group may take. 1 by default: it stays on the local network.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.watched().get_ref().set_multicast_ttl_v4(ttl)
    }
}

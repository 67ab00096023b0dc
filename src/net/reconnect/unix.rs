//! Unix sockets as connections.

use super::connection::own_stream;
use crate::net::UnixStream;

own_stream!(UnixStream);

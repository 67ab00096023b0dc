//! A descriptor that is closed while the reactor watches it. In a file of its own: it changes the standard input.
#![cfg(all(unix, feature = "net"))]

mod common;

use offtick::net::{Interest, Io};
use offtick::{Handle, LocalRuntime, Runtime};
use std::io::{self, Read, Write};
use std::pin::pin;

/// Makes the standard input another pipe, and returns its other end. What it was before is closed.
fn replace_standard_input() -> io::Result<io::PipeWriter> {
    let (reader, writer) = io::pipe()?;
    rustix::stdio::dup2_stdin(&reader)?;
    Ok(writer)
}

fn read_some(mut input: &io::Stdin) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

async fn body(rt: Handle) -> io::Result<()> {
    let mut before = replace_standard_input()?;
    let input = Io::from_fd_on(&rt, io::stdin())?;
    {
        let mut wait = pin!(input.readable());
        assert!(common::poll_once(&mut wait).is_pending());
        // The watched pipe is closed, and another one has its number.
        let mut after = replace_standard_input()?;
        assert!(before.write_all(b"x").is_err(), "nobody reads the first pipe");
        after.write_all(b"y")?;
        // The system reports nothing of the second pipe, and a wait that is dropped leaves nothing behind.
        assert!(common::poll_once(&mut wait).is_pending());
        // An operation works on what has the number now.
        assert_eq!(input.try_io(Interest::READABLE, read_some)?, b'y');
        drop(after);
    }
    drop(input);
    // The number can be watched again.
    let mut again = replace_standard_input()?;
    let input = Io::from_fd_on(&rt, io::stdin())?;
    again.write_all(b"z")?;
    assert_eq!(input.io(Interest::READABLE, read_some).await?, b'z');
    Ok(())
}

#[test]
fn a_descriptor_closed_under_the_reactor_harms_nobody_else() {
    let rt = Runtime::new().expect("a runtime");
    common::settled(rt.run(body(rt.handle().clone())));
    assert_eq!(rt.metrics().sockets, 0);
    let local = LocalRuntime::new().expect("a runtime");
    let handle = local.handle().clone();
    local.run_until(body(handle)).expect("no nesting").expect("on a LocalRuntime");
}

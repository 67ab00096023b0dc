//! Descriptors that the program brings: what `Io::from_fd` does to a mode that others share.

#![cfg(all(unix, feature = "net"))]

use offtick::net::Io;
use offtick::{Handle, Runtime};
use rustix::fs::{OFlags, fcntl_getfl};
use std::fs::{File, OpenOptions};
use std::future::pending;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime is built")
}

fn is_non_blocking(fd: impl AsFd) -> bool {
    fcntl_getfl(fd).expect("it is open").contains(OFlags::NONBLOCK)
}

/// Both sides of a new terminal.
fn terminal() -> (File, File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are pseudo terminals");
    grantpt(&keyboard).expect("it is ours");
    unlockpt(&keyboard).expect("it is ours");
    let path = ptsname(&keyboard, Vec::new()).expect("it has a name");
    let path = path.to_str().expect("an ASCII path").to_owned();
    let program = OpenOptions::new().read(true).write(true).open(path).expect("the other side opens");
    (File::from(keyboard), program)
}

fn read_some(mut source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = [0; 64];
    let n = source.read(&mut bytes)?;
    Ok(bytes[..n].to_vec())
}

#[test]
fn a_terminal_keeps_its_mode_and_never_holds_the_reactor() {
    let rt = runtime();
    let (mut keyboard, program) = terminal();
    let standard_output = program.try_clone().expect("a duplicate"); // The same open file, as `println!` has it.
    let io = Io::from_fd_on(rt.handle(), program).expect("a terminal can be polled");
    assert!(!is_non_blocking(&standard_output));
    // Nothing was typed: a read would block.
    let nothing = io.try_read_with(|source: &File| read_some(source)).expect_err("no line is there");
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    let mut lines = rt.run(async move {
        let mut lines = Vec::new();
        for _ in 0..2 {
            lines.push(io.read_with(|source: &File| read_some(source)).await?);
        }
        // The reactor answers while the task waits for a third line.
        Ok::<_, io::Error>((lines, io))
    });
    keyboard.write_all(b"first\n").expect("it is typed");
    keyboard.write_all(b"second\n").expect("it is typed");
    let (lines, io) = match lines.wait() {
        Ok(read) => read,
        Err(error) => panic!("{error:#}"),
    };
    assert_eq!(lines, [&b"first\n"[..], &b"second\n"[..]]);
    let _third = rt.run(async move { io.read_with(|source: &File| read_some(source)).await });
    assert_eq!(rt.spawn(async { "free" }).wait().ok(), Some("free"));
    assert!(!is_non_blocking(&standard_output));
}

fn pipe_with_duplicate() -> (PipeReader, PipeReader) {
    let (reader, _writer) = io::pipe().expect("a pipe");
    let duplicate = reader.try_clone().expect("a duplicate");
    (reader, duplicate)
}

fn watch(handle: &Handle, reader: PipeReader) -> Io<PipeReader> {
    Io::from_fd_on(handle, reader).expect("a pipe can be polled")
}

#[test]
fn a_mode_that_was_changed_is_put_back() {
    let rt = runtime();
    let (reader, duplicate) = pipe_with_duplicate();
    let io = watch(rt.handle(), reader);
    assert!(is_non_blocking(&duplicate));
    let reader = io.into_inner();
    assert!(!is_non_blocking(&duplicate), "taken apart");
    drop(watch(rt.handle(), reader));
    assert!(!is_non_blocking(&duplicate), "dropped");
}

#[test]
fn the_end_of_a_runtime_puts_modes_back() {
    let rt = runtime();
    let (reader, duplicate) = pipe_with_duplicate();
    let io = watch(rt.handle(), reader);
    let (kept, other) = pipe_with_duplicate();
    let outlives = watch(rt.handle(), kept);
    rt.spawn(async move {
        pending::<()>().await;
        drop(io);
    })
    .detach();
    assert!(is_non_blocking(&duplicate));
    assert!(rt.shutdown(Duration::MAX).is_clean());
    assert!(!is_non_blocking(&duplicate), "held by a task");
    drop(outlives);
    assert!(!is_non_blocking(&other), "held by the program, after the end");
}

#[test]
fn a_descriptor_in_non_blocking_mode_stays_in_it() {
    let rt = runtime();
    let (reader, duplicate) = pipe_with_duplicate();
    rustix::io::ioctl_fionbio(&reader, true).expect("it is open");
    drop(watch(rt.handle(), reader));
    assert!(is_non_blocking(&duplicate));
}

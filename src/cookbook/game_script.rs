//! Write what happens in a game one thing after the other, with access to its world.
//!
//! ```
//! use offtick::time::{Clock, sleep};
//! use offtick::{Budget, LocalBuilder, WithHostError, with_host, with_host_until};
//! use std::time::Duration;
//!
//! #[derive(Default)]
//! struct World {
//!     player: f64,
//!     gate_is_open: bool,
//!     gate_height: f64,
//! }
//!
//! /// Waits for the player, opens the gate after a second, and lifts it at half a metre per second.
//! async fn gate() -> Result<(), WithHostError> {
//!     with_host_until(|world: &mut World, _| (world.player >= 3.0).then_some(())).await?; // 1
//!     sleep(Duration::from_secs(1)).await;                                              // 2
//!     with_host(|world: &mut World| world.gate_is_open = true).await?;                  // 3
//!     with_host_until(|world: &mut World, dt| {                                         // once per frame
//!         world.gate_height = (world.gate_height + 0.5 * dt.as_secs_f64()).min(2.0);
//!         (world.gate_height == 2.0).then_some(())
//!     })
//!     .await
//! }
//!
//! let rt = LocalBuilder::new().clock(Clock::manual()).build()?;                         // 4
//! let script = rt.run(gate());
//! let mut world = World::default();
//! let frame = Duration::from_millis(16);
//! while !script.is_done() {
//!     // One frame: the input, the scripts, the picture.
//!     world.player += 2.0 * frame.as_secs_f64();
//!     rt.advance_with(&mut world, frame, Budget::time(Duration::from_millis(2)))?;      // 5
//! }
//! assert!(world.gate_is_open && world.gate_height == 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **The world is lent, one closure at a time**: the game owns it and may use it freely between two ticks. A closure runs
//! within the tick in which the script asked, between two polls, so no script ever meets a borrow of another one.
//!
//! # When it fails or is cancelled
//! - Dropping `script` ends it where it waits. A closure that has not run yet never runs.
//! - A tick that lends no world, or one of another type, is an error in the script: `?` ends it.
//! - A closure that panics ends its script, and the others go on. The world is as the closure left it.
//! - What the budget does not reach runs in the next frame, at the game time at which it should have run.
//!
//! # Threads
//! One: the game's. Levels load on the pool, as closures of the same runtime
//! ([`spawn_blocking`](crate::Handle::spawn_blocking)).
//!
//! # Features
//! None.
//!
//! # What else
//! - Pause and slow motion: [`ManualClock::pause`](crate::time::ManualClock::pause) and
//!   [`set_scale`](crate::time::ManualClock::set_scale).
//! - A world that is paused while its menu runs: [`ChildClock`](crate::time::ChildClock).
//! - A script that starts scripts: [`LocalHandle::current`](crate::LocalHandle::current).
//! - The example `game_loop` is a game of that kind.

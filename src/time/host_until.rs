//! A closure that is called with the host's world once per tick.

use super::ticks::next_tick;
use crate::runtime::{WithHostError, with_host};
use std::time::Duration;

/// Calls `f` with the host's world once per tick until it returns a value, and returns that.
///
/// For what a script waits for ("until the player is near") and for what it does frame by frame ("lift the gate"). The first call
/// comes in the current tick, with a time of zero. Each further call gets the time since the one before, on the clock of the
/// task: the times add up to all that has passed. [`with_host`] calls a closure once.
///
/// Dropping the future, or cancelling its task, ends the calls. A panic of `f` goes on in the task.
///
/// # Errors
/// Those of [`with_host`]; `f` is dropped then.
///
/// # Example
/// ```
/// use offtick::time::Clock;
/// use offtick::{Budget, LocalBuilder, with_host_until};
/// use std::time::Duration;
///
/// struct World {
///     player: f64,
///     gate_height: f64,
/// }
///
/// let rt = LocalBuilder::new().clock(Clock::manual()).build()?;
/// let script = rt.run(async {
///     with_host_until(|world: &mut World, _| (world.player > 1.0).then_some(())).await?;
///     with_host_until(|world: &mut World, dt| {
///         world.gate_height += 0.5 * dt.as_secs_f64(); // half a metre per second
///         (world.gate_height >= 2.0).then_some(())
///     })
///     .await
/// });
/// let mut world = World { player: 0.0, gate_height: 0.0 };
/// for _frame in 0..60 {
///     world.player += 0.2;
///     rt.advance_with(&mut world, Duration::from_millis(100), Budget::time(Duration::from_millis(2)))?;
/// }
/// assert!(script.is_done());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn with_host_until<W, R, F>(f: F) -> Result<R, WithHostError>
where
    W: 'static,
    R: 'static,
    F: FnMut(&mut W, Duration) -> Option<R> + 'static,
{
    let (mut f, mut elapsed) = (f, Duration::ZERO);
    loop {
        // Made ahead of the call: a call that the budget puts off to the next tick loses no time.
        let tick = next_tick();
        let call = move |world: &mut W| {
            let answer = f(world, elapsed);
            (f, answer)
        };
        let (back, answer) = with_host(call).await?;
        if let Some(answer) = answer {
            return Ok(answer);
        }
        f = back;
        elapsed = tick.await;
    }
}

//! The same seed, the same trace: random programs of tasks that spawn, yield, sleep, wake and cancel each other, with
//! priorities, groups, channels, closures and retries.
#![cfg(feature = "toolkit")]

use offtick::queue::{self, spawn_descend, spawn_start, switch_to, yield_at};
use offtick::testing::{TestBuilder, TestRuntime};
use offtick::time::{next_tick, sleep, timeout};
use offtick::{Handle, Priority, RetryPolicy, Task, TaskGroup, yield_now};
use std::collections::{HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

const CELLS: usize = 4;

/// One step of a task.
#[derive(Clone, Debug, Hash)]
enum Op {
    Spawn(Program),
    Eager(Program),
    Start(Program),
    Descend(Program),
    InGroup(Program),
    Closure,
    Retry,
    Yield,
    YieldAt(isize),
    SwitchToLast,
    Rotate(isize),
    CallAt(isize),
    NextTick,
    Sleep(u64),
    Send(usize),
    /// With a limit in milliseconds, so that every program ends.
    Receive(usize, u64),
    CancelLast,
    AwaitLast,
    Prefer(Priority),
    DropGroup,
}

type Program = Vec<Op>;

fn program(rng: &mut fastrand::Rng, depth: u32) -> Program {
    let len = rng.usize(2..9);
    (0..len).map(|_| op(rng, depth)).collect()
}

fn op(rng: &mut fastrand::Rng, depth: u32) -> Op {
    if depth > 0 && rng.bool() {
        let child = program(rng, depth - 1);
        return match rng.u8(..5) {
            0 => Op::Eager(child),
            1 => Op::Start(child),
            2 => Op::Descend(child),
            3 => Op::InGroup(child),
            _ => Op::Spawn(child),
        };
    }
    match rng.u8(..18) {
        0 | 1 => Op::Yield,
        2 => Op::YieldAt(rng.isize(-3..4)),
        3 => Op::SwitchToLast,
        4 => Op::Rotate(rng.isize(-3..4)),
        5 => Op::CallAt(rng.isize(-3..4)),
        6 => Op::NextTick,
        7 | 8 => Op::Sleep(rng.u64(..20)),
        9 | 10 => Op::Send(rng.usize(..CELLS)),
        11 | 12 => Op::Receive(rng.usize(..CELLS), rng.u64(1..50)),
        13 => Op::CancelLast,
        14 => Op::AwaitLast,
        15 => Op::Prefer(Priority::ALL[rng.usize(..3)]),
        16 => {
            if rng.bool() {
                Op::Closure
            } else {
                Op::Retry
            }
        }
        _ => Op::DropGroup,
    }
}

/// A channel made of a cell that tasks share.
#[derive(Default)]
struct Cell {
    values: VecDeque<u32>,
    waiting: Vec<Waker>,
}

struct World {
    rt: Handle,
    trace: Mutex<Vec<(u32, usize, u64, u64)>>,
    cells: [Mutex<Cell>; CELLS],
    born: Mutex<u32>,
}

impl World {
    fn note(&self, task: u32, step: usize, what: u64) {
        let elapsed = self.rt.clock().as_manual().expect("the test's clock").elapsed();
        self.trace.lock().unwrap().push((task, step, elapsed.as_nanos() as u64, what));
    }

    fn send(&self, cell: usize, value: u32) {
        let waiting = {
            let mut cell = self.cells[cell].lock().unwrap();
            cell.values.push_back(value);
            std::mem::take(&mut cell.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    async fn receive(&self, cell: usize) -> u32 {
        poll_fn(|cx| {
            let mut cell = self.cells[cell].lock().unwrap();
            match cell.values.pop_front() {
                Some(value) => Poll::Ready(value),
                None => {
                    cell.waiting.push(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// Notes when a task's body is dropped: cancellation is a part of the trace.
struct Gone(Arc<World>, u32);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.note(self.1, usize::MAX, 0);
    }
}

fn run(world: Arc<World>, program: Program) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move {
        let me = {
            let mut born = world.born.lock().unwrap();
            *born += 1;
            *born
        };
        let _gone = Gone(Arc::clone(&world), me);
        let mut tasks: Vec<Task<u32>> = Vec::new();
        let mut group = TaskGroup::new(&world.rt);
        for (step, op) in program.into_iter().enumerate() {
            let child = |program| run(Arc::clone(&world), program);
            let saw = match op {
                Op::Spawn(program) => {
                    tasks.push(world.rt.spawn(child(program)));
                    0
                }
                Op::Eager(program) => {
                    tasks.push(world.rt.spawn_eager(child(program)));
                    u64::from(tasks.last().is_some_and(Task::is_done))
                }
                Op::Start(program) => {
                    tasks.push(spawn_start(child(program)).await.expect("inside a task"));
                    0
                }
                Op::Descend(program) => {
                    tasks.push(spawn_descend(child(program)).await.expect("inside a task"));
                    0
                }
                Op::InGroup(program) => {
                    group.spawn(child(program)).detach();
                    0
                }
                Op::Closure => {
                    let theirs = Arc::clone(&world);
                    tasks.push(world.rt.spawn_blocking(move || {
                        theirs.note(me, step, 1000);
                        theirs.send(step % CELLS, me);
                        me
                    }));
                    0
                }
                Op::Retry => {
                    let policy = RetryPolicy::exponential(Duration::from_millis(3)).max_attempts(3).jitter(1.0);
                    let theirs = Arc::clone(&world);
                    tasks.push(world.rt.task().retry(policy).run(move |cx| {
                        theirs.note(me, step, cx.attempt().into());
                        async move { if cx.attempt() < 3 { Err("busy") } else { Ok(me) } }
                    }));
                    0
                }
                Op::Yield => {
                    yield_now().await;
                    0
                }
                Op::YieldAt(position) => {
                    yield_at(position).await;
                    0
                }
                Op::SwitchToLast => match tasks.last() {
                    Some(task) => u64::from(switch_to(task).await.is_ok()),
                    None => 2,
                },
                Op::Rotate(by) => {
                    let queue = queue::current().expect("inside a task");
                    queue.rotate(by);
                    queue.len() as u64
                }
                Op::CallAt(position) => {
                    let theirs = Arc::clone(&world);
                    let queue = queue::current().expect("inside a task");
                    tasks.push(queue.call_at(position, move || {
                        theirs.note(me, step, 2000);
                        me
                    }));
                    queue.len() as u64
                }
                Op::NextTick => u64::from(next_tick().await.is_zero()),
                Op::Sleep(millis) => {
                    sleep(Duration::from_millis(millis)).await;
                    0
                }
                Op::Send(cell) => {
                    world.send(cell, me);
                    0
                }
                Op::Receive(cell, millis) => {
                    let received = timeout(Duration::from_millis(millis), world.receive(cell)).await;
                    received.map_or(0, u64::from)
                }
                Op::CancelLast => tasks.last().map_or(2, |task| u64::from(task.cancel())),
                Op::AwaitLast => match tasks.pop() {
                    Some(task) => match timeout(Duration::from_millis(100), task).await {
                        Ok(Ok(value)) => value.into(),
                        Ok(Err(_)) => 1 << 33,
                        Err(_) => 1 << 34,
                    },
                    None => 0,
                },
                Op::Prefer(level) => {
                    tasks.iter().for_each(|task| task.set_priority(level));
                    0
                }
                Op::DropGroup => {
                    group = TaskGroup::new(&world.rt);
                    0
                }
            };
            world.note(me, step, saw);
        }
        // Some of those that are left live on with the group and the handles until here, and are cancelled now.
        me
    })
}

struct Trace {
    hash: u64,
    events: usize,
    tasks: u32,
}

/// Runs a program and checks that it leaves nothing behind.
fn traced(program: &Program, seed: u64, shuffle: bool) -> Trace {
    let rt: TestRuntime =
        TestBuilder::new().seed(seed).shuffle(shuffle).auto_advance(true).build().expect("a runtime is built");
    let world = Arc::new(World {
        rt: rt.handle().clone(),
        trace: Mutex::default(),
        cells: Default::default(),
        born: Mutex::default(),
    });
    let main = rt.spawn(run(Arc::clone(&world), program.clone()));
    rt.run_until(main).expect("every wait has a limit").expect("nothing panics");
    rt.settle().expect("what was cancelled ends");
    for cell in &world.cells {
        cell.lock().unwrap().waiting.clear();
    }
    let leaks = rt.leaks();
    assert!(leaks.is_clean(), "{leaks}\n{program:?}");
    let trace = world.trace.lock().unwrap();
    let mut hasher = DefaultHasher::new();
    (trace.as_slice(), rt.elapsed(), rt.metrics().polls).hash(&mut hasher);
    let tasks = *world.born.lock().unwrap();
    Trace { hash: hasher.finish(), events: trace.len(), tasks }
}

fn random(seed: u64) -> Program {
    program(&mut fastrand::Rng::with_seed(seed), 3)
}

#[test]
fn a_thousand_programs_repeat_their_traces() {
    let (mut events, mut tasks, mut hashes) = (0, 0, HashSet::new());
    for seed in 0..1000 {
        let program = random(seed);
        for shuffle in [false, true] {
            let first = traced(&program, seed, shuffle);
            let second = traced(&program, seed, shuffle);
            assert_eq!(first.hash, second.hash, "seed {seed}, shuffled: {shuffle}\n{program:?}");
            events += first.events;
            tasks += first.tasks;
            hashes.insert(first.hash);
        }
    }
    // They are no idle programs, and the hash tells them apart.
    assert!(events > 40_000 && tasks > 10_000 && hashes.len() > 1_500, "{events} {tasks} {}", hashes.len());
}

#[test]
fn other_seeds_find_other_orders() {
    let (mut programs, mut orders) = (0, 0);
    for seed in 0..100 {
        let program = random(seed);
        let plain = traced(&program, 0, false);
        if plain.tasks < 8 {
            continue;
        }
        programs += 1;
        let distinct: HashSet<_> = (0..20).map(|seed| traced(&program, seed, true).hash).collect();
        orders += distinct.len();
    }
    assert!(programs >= 20, "{programs}");
    assert!(orders >= programs * 15, "{orders} orders of {programs} programs, of {} at most", programs * 20);
}

#[test]
fn without_chance_every_seed_is_the_same() {
    fn chance(op: &Op) -> bool {
        match op {
            Op::Retry => true,
            Op::Spawn(p) | Op::Eager(p) | Op::Start(p) | Op::Descend(p) | Op::InGroup(p) => p.iter().any(chance),
            _ => false,
        }
    }
    let programs: Vec<_> = (0..400).map(random).filter(|program| !program.iter().any(chance)).collect();
    assert!(programs.len() > 50, "{}", programs.len());
    for program in programs {
        assert_eq!(traced(&program, 1, false).hash, traced(&program, 2, false).hash, "{program:?}");
    }
}

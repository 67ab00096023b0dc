//! One page a job: what you want, the lines, and what happens when it goes wrong.
//!
//! Every example is a whole program in the small: it runs as it stands. Its loop is your tick; where it says
//! `yield_now`, your program draws and handles its input. The numbered lines are those of offtick, five at most, beside the
//! runtime's own. Lines that only make the example run here, such as a server on loopback, are hidden.
//!
//! | job | page |
//! |---|---|
//! | draw a task in every frame, retries and errors included | [page of one task](page_of_one_task) |
//! | load something large and show how far it is | [asset with a progress bar](asset_with_progress_bar) |
//! | ask a server without freezing the window | [HTTP from a GUI](http_from_a_gui) |
//! | stop the work of a screen that is closed | [cancel on screen close](cancel_on_screen_close) |
//! | try again, later and later | [retry with back-off](retry_with_back_off) |
//! | keep a value fresh | [periodic refresh](periodic_refresh) |
//! | run a job at a time of day | [cron job in a zone](cron_job_in_a_zone) |
//! | run what was missed while the program was off | [catch up after a restart](catch_up_after_a_restart) |
//! | search while the user types | [debounced search](debounced_search) |
//! | fetch many things, a few at a time | [N downloads at once](n_downloads_at_once) |
//! | go on with a result, wait for several, take the first | [tasks made of tasks](tasks_made_of_tasks) |
//! | wait for a callback of another library | [task from a callback](task_from_a_callback) |
//! | compute for long, and stop when told | [CPU job with cooperative cancel](cpu_job_with_cooperative_cancel) |
//! | read lines that the user types | [lines of standard input](lines_of_standard_input) |
//! | read the output of a program, a terminal, a device | [descriptors] |
//! | write the script of a game | [game script](game_script) |
//! | end the program with nothing lost | [graceful shutdown](graceful_shutdown) |
//! | test all of that in no time | [test with fake time](test_with_fake_time) |
//!
//! # Whose thread is it
//! A future runs on the one reactor thread, which it must not hold: what blocks or computes for more than a fraction of a
//! millisecond is a closure for `spawn_blocking` or `run_blocking`. What a tick calls on a handle never waits.
//!
//! # In a program with frames
//! The examples loop in one function. A game or a window keeps the [`Runtime`](crate::Runtime) and its
//! [`Task`](crate::Task)s as fields and looks at them in its update function; [HTTP from a GUI](http_from_a_gui) shows that.
//! The type of a task that reports progress names both types: `Task<Vec<u8>, f32>`. A runtime is declared after the tasks, or
//! before them, as you like: either may go first.

pub mod asset_with_progress_bar;
pub mod cancel_on_screen_close;
#[cfg(feature = "cron")]
pub mod catch_up_after_a_restart;
pub mod cpu_job_with_cooperative_cancel;
#[cfg(feature = "cron")]
pub mod cron_job_in_a_zone;
pub mod debounced_search;
#[cfg(feature = "net")]
pub mod descriptors;
pub mod game_script;
pub mod graceful_shutdown;
pub mod http_from_a_gui;
pub mod lines_of_standard_input;
pub mod n_downloads_at_once;
pub mod page_of_one_task;
pub mod periodic_refresh;
pub mod retry_with_back_off;
pub mod task_from_a_callback;
pub mod tasks_made_of_tasks;
pub mod test_with_fake_time;

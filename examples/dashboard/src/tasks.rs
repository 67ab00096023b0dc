//! The table of tasks: what the runtime lists, in every frame.

use crate::downloads::Downloads;
use offtick::{CancelHandle, TaskId, TaskInfo, TaskManager};

/// A task, and how to cancel it, if this program can.
pub(crate) struct Row {
    pub(crate) info: TaskInfo,
    pub(crate) control: Option<CancelHandle>,
}

pub(crate) struct Tasks {
    manager: TaskManager,
    pub(crate) rows: Vec<Row>,
    chosen: Option<TaskId>,
}

impl Tasks {
    pub(crate) fn watch(manager: &TaskManager) -> Self {
        Self { manager: manager.clone(), rows: Vec::new(), chosen: None }
    }

    pub(crate) fn tick(&mut self, downloads: &Downloads) {
        let listed = self.manager.handle().tasks();
        let row = |info: &TaskInfo| {
            let control = downloads.cancel_handle(info.id()).cloned().or_else(|| self.manager.cancel_handle(info.id()));
            Row { info: info.clone(), control }
        };
        self.rows = listed.iter().map(row).collect();
        // Those that can be cancelled first, the oldest of them at the top.
        self.rows.sort_by_key(|row| (row.control.is_none(), row.info.id()));
    }

    /// The row that the keys are for: the chosen task, or the first one if that is over.
    pub(crate) fn chosen(&self) -> usize {
        self.rows.iter().position(|row| Some(row.info.id()) == self.chosen).unwrap_or(0)
    }

    /// Chooses another row.
    pub(crate) fn choose(&mut self, by: isize) {
        let row = self.chosen().saturating_add_signed(by).min(self.rows.len().saturating_sub(1));
        self.chosen = self.rows.get(row).map(|row| row.info.id());
    }

    /// Cancels the chosen task. False if it is over, or not ours to cancel.
    pub(crate) fn cancel_chosen(&self) -> bool {
        let control = self.rows.get(self.chosen()).and_then(|row| row.control.as_ref());
        control.is_some_and(CancelHandle::cancel)
    }

    pub(crate) fn numbers(&self) -> [(&'static str, u64); 2] {
        let ours = self.rows.iter().filter(|row| row.control.is_some()).count();
        [("tasks", self.rows.len() as u64), ("tasks_to_cancel", ours as u64)]
    }
}

//! The picture: a box for each part.

use crate::app::{App, Focus};
use crate::tasks::Row as TaskRow;
use crate::words::{bar, bytes, grouped, tail};
use offtick::{Job, Status};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Bar, BarChart, BarGroup, Block, Paragraph, Row, Sparkline, Table, TableState};
use std::time::SystemTime;

/// Columns of the bar of a download, and of its name.
const BAR: usize = 8;
const NAME: usize = 20;

/// Columns of the name of a task.
const TASK: usize = 48;

pub(crate) fn draw(frame: &mut Frame<'_>, app: &mut App) {
    let [top, middle, bottom, last] =
        Layout::vertical([Constraint::Length(8), Constraint::Fill(1), Constraint::Fill(1), Constraint::Length(1)])
            .areas(frame.area());
    let [jobs, link, runtime, frames] = Layout::horizontal([
        Constraint::Length(37),
        Constraint::Min(22),
        Constraint::Length(39),
        Constraint::Length(20),
    ])
    .areas(top);
    let [downloads, search] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(middle);

    frame.render_widget(jobs_table(app), jobs);
    draw_link(frame, app, link);
    frame.render_widget(runtime_lines(app), runtime);
    frame.render_widget(frame_times(app), frames);
    frame.render_widget(download_lines(app), downloads);
    frame.render_widget(search_lines(app, search), search);
    draw_tasks(frame, app, bottom);
    let keys = match app.focus {
        Focus::Search => " type to search   Enter at once   Esc clears   Tab to the tasks   Ctrl-C ends",
        Focus::Tasks => {
            " ↑↓ choose  x cancel  X all downloads  d more  +- pool  p pause  r run  c reconnect  Tab  q ends"
        }
    };
    frame.render_widget(Line::from(keys).cyan(), last);
}

fn block(title: String, focused: bool) -> Block<'static> {
    let style = if focused { Style::new().yellow() } else { Style::new().dark_gray() };
    Block::bordered().title(title).border_style(style)
}

fn jobs_table(app: &App) -> Table<'static> {
    let row = |job: &Job| {
        let counts = job.counts();
        let next = job.next_run_at().and_then(|next| next.duration_since(SystemTime::now()).ok());
        let next = next.map_or_else(|| job.status().to_string(), |next| format!("{:.1} s", next.as_secs_f64()));
        Row::new([
            job.id().to_owned(),
            next,
            format!("{} runs", counts.runs),
            if counts.failed > 0 { format!("{} failed", counts.failed) } else { String::new() },
        ])
    };
    let widths = [Constraint::Length(7), Constraint::Length(8), Constraint::Length(9), Constraint::Fill(1)];
    Table::new(app.jobs.jobs.iter().map(row), widths).block(block(" jobs ".into(), false))
}

fn draw_link(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let block = block(" link; polls ".into(), false);
    let [text, graph] = Layout::vertical([Constraint::Length(3), Constraint::Fill(1)]).areas(block.inner(area));
    let [(_, reconnects), _, (_, lines)] = app.link.numbers();
    let says = format!("line {}", app.link.newest.trim_end());
    let counted = format!("{lines} lines, {reconnects} reconnects");
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(vec![app.link.state.clone().into(), says.into(), counted.into()]), text);
    // The newest that there is room for.
    let loads = &app.jobs.loads;
    let newest = loads.iter().skip(loads.len().saturating_sub(usize::from(graph.width)));
    frame.render_widget(Sparkline::default().data(newest).green(), graph);
}

fn runtime_lines(app: &App) -> Paragraph<'static> {
    let metrics = app.rt.metrics();
    let (tick, whole) = (app.tick_costs, app.frame_costs);
    let lines = vec![
        format!("futures {}  polls {}", metrics.alive, grouped(metrics.polls)).into(),
        format!("timers {}  sockets {}  parks {}", metrics.timers, metrics.sockets, grouped(metrics.parks)).into(),
        format!("pool threads {}  closures {}", metrics.blocking_threads, grouped(metrics.blocking_started)).into(),
        format!("tick  p50 {:.1}  p99 {:.1}  max {:.1} µs", tick.p50, tick.p99, tick.max).into(),
        format!("frame p50 {:.0}  p99 {:.0}  max {:.0} µs", whole.p50, whole.p99, whole.max).into(),
        Line::from(format!("{} frames", grouped(app.frames.count() as u64))),
    ];
    Paragraph::new(lines).block(block(" runtime ".into(), false))
}

fn frame_times(app: &App) -> BarChart<'static> {
    // A class of few frames is to be seen beside one of many: so the bars are as long as the numbers, in bits.
    let bar = |count: &u64| Bar::default().value(u64::from(u64::BITS - count.leading_zeros())).text_value("");
    let bars: Vec<_> = app.histogram.0.iter().map(bar).collect();
    let chart = BarChart::default().data(BarGroup::default().bars(&bars)).bar_width(1).bar_gap(1);
    chart.block(block(" < 64 µs · 2ⁿ ".into(), false))
}

fn download_lines(app: &mut App) -> Paragraph<'static> {
    let totals = app.downloads.totals;
    let (waiting, size) = app.downloads.waiting_and_size();
    let mut lines = vec![Line::from(format!(
        "{} done, {} failed, {} cancelled, {} retries, {}",
        totals.done,
        totals.failed,
        totals.cancelled,
        totals.retries,
        bytes(totals.bytes),
    ))];
    for running in app.downloads.running() {
        let so_far = running.so_far;
        let share = so_far.total.map_or(0.0, |total| so_far.received as f64 / total.max(1) as f64);
        let state = if running.pausing { "again soon" } else { "running" };
        let line = Line::from(format!(
            "{:<NAME$} {} {:>10} try {}, {state}",
            tail(&running.name, NAME),
            bar(share, BAR),
            bytes(so_far.received),
            running.attempt,
        ));
        lines.push(if running.pausing { line.yellow() } else { line });
    }
    Paragraph::new(lines).block(block(format!(" downloads: {waiting} wait, {size} at a time "), false))
}

fn search_lines(app: &App, area: Rect) -> Paragraph<'static> {
    let search = &app.search;
    let focused = app.focus == Focus::Search;
    let cursor = if focused { "▏" } else { "" };
    let mut lines = vec![Line::from(format!("> {}{cursor}", search.text)).bold()];
    if let Some(hits) = search.shown.as_deref().filter(|_| !search.text.is_empty()) {
        // The last good result stays until the next one is there, and says so.
        let style = if search.is_settled() { Style::new() } else { Style::new().dark_gray() };
        let head = format!("{} hits for {:?} in {} of {}", hits.hits, hits.text, hits.files.len(), hits.searched);
        lines.push(Line::styled(head, style));
        let width = usize::from(area.width).saturating_sub(10);
        for (path, count) in hits.files.iter().take(usize::from(area.height)) {
            lines.push(Line::styled(format!("{count:>6} {}", tail(&path.to_string_lossy(), width)), style));
        }
    }
    let busy = if search.is_busy() { ", searching" } else { "" };
    Paragraph::new(lines).block(block(format!(" search in {} files{busy} ", app.jobs.files().len()), focused))
}

fn draw_tasks(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let row = |TaskRow { info, control }: &TaskRow| {
        let color = match (control, info.status()) {
            (None, _) => Color::DarkGray,
            (_, Status::Running) => Color::Reset,
            _ => Color::Yellow,
        };
        let row = Row::new([
            info.id().to_string(),
            tail(&info.name().map_or_else(|| info.location().to_string(), str::to_owned), TASK),
            info.status().to_string(),
            format!("try {}", info.attempt()),
            format!("{} polls", info.polls()),
            format!("{:.1} s", info.age().as_secs_f64()),
        ]);
        row.style(Style::new().fg(color))
    };
    let lengths = [8, TASK as u16, 10, 8, 12, 10];
    let focused = app.focus == Focus::Tasks;
    let table = Table::new(app.tasks.rows.iter().map(row), lengths.map(Constraint::Length))
        .block(block(format!(" {} tasks ", app.tasks.rows.len()), focused))
        .row_highlight_style(if focused { Style::new().reversed() } else { Style::new() });
    let mut state = TableState::default().with_selected(app.tasks.chosen());
    frame.render_stateful_widget(table, area, &mut state);
}

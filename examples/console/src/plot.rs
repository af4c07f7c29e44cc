//! Plots in the terminal, of what the robot tells or has told.

use crate::cli::{PlotArgs, ReplayArgs};
use crate::session::{Session, Told};
use anyhow::{Context, Result, bail, ensure};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};
use ratatui::{DefaultTerminal, Frame};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_millis(40);
/// Lines of the robot's prompt below the plots.
const LINES: usize = 6;
const COLORS: [Color; 4] = [Color::Cyan, Color::Yellow, Color::Magenta, Color::Green];

/// One channel over time.
struct Track {
    name: String,
    unit: String,
    points: VecDeque<(f64, f64)>,
}

impl Track {
    fn new(name: &str, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            points: VecDeque::new(),
        }
    }

    fn push(&mut self, seconds: f64, value: f64, window: f64) {
        // A robot that was started anew begins at zero.
        if self.points.back().is_some_and(|(last, _)| *last > seconds) {
            self.points.clear();
        }
        self.points.push_back((seconds, value));
        while self
            .points
            .front()
            .is_some_and(|(first, _)| *first < seconds - window)
        {
            self.points.pop_front();
        }
    }
}

struct Screen {
    tracks: Vec<Track>,
    window: f64,
    status: String,
    text: String,
    typed: String,
    paused: bool,
}

/// What a person wants.
enum Wish {
    Leave,
    Say(String),
    Nothing,
}

impl Screen {
    fn new(tracks: Vec<Track>, window: f64) -> Self {
        Self {
            tracks,
            window,
            status: String::new(),
            text: String::new(),
            typed: String::new(),
            paused: false,
        }
    }

    fn add_text(&mut self, text: &str) {
        self.text.push_str(&text.replace('\r', ""));
        let excess = self.text.lines().count().saturating_sub(LINES);
        if excess > 0 {
            self.text = self
                .text
                .lines()
                .skip(excess)
                .collect::<Vec<_>>()
                .join("\n");
        }
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let mut rows = vec![Constraint::Fill(1); self.tracks.len()];
        rows.push(Constraint::Length(LINES as u16 + 2));
        let areas = Layout::vertical(rows).split(frame.area());
        let newest = self.tracks.iter().filter_map(|track| track.points.back());
        let newest = newest
            .map(|(seconds, _)| *seconds)
            .fold(self.window, f64::max);
        for (index, track) in self.tracks.iter().enumerate() {
            let points: Vec<(f64, f64)> = track.points.iter().copied().collect();
            let (low, high) = range(&points);
            let value = points.last().map_or(0.0, |(_, value)| *value);
            let data = Dataset::default()
                .marker(Marker::Braille)
                .graph_type(GraphType::Line)
                .style(Style::new().fg(COLORS[index % COLORS.len()]))
                .data(&points);
            let title = format!(" {} {value:.4} {} ", track.name, track.unit);
            let times = [newest - self.window, newest];
            let chart = Chart::new(vec![data])
                .block(Block::bordered().title(title))
                .x_axis(
                    Axis::default()
                        .bounds(times)
                        .labels(times.map(|t| format!("{t:.1} s"))),
                )
                .y_axis(
                    Axis::default()
                        .bounds([low, high])
                        .labels([low, high].map(|y| format!("{y:.3}"))),
                );
            frame.render_widget(chart, areas[index]);
        }
        let help = " Enter sends what is typed, Tab pauses, Esc leaves ";
        let mut lines: Vec<Line<'_>> = self.text.lines().map(Line::raw).collect();
        lines.push(Line::styled(
            format!("{}_", self.typed),
            Style::new().fg(Color::White),
        ));
        let prompt = Paragraph::new(lines).block(
            Block::bordered()
                .title(format!(" {} ", self.status))
                .title_bottom(help),
        );
        frame.render_widget(prompt, areas[self.tracks.len()]);
    }

    fn key(&mut self) -> Result<Wish> {
        let Event::Key(key) = event::read()? else {
            return Ok(Wish::Nothing);
        };
        if key.kind != KeyEventKind::Press {
            return Ok(Wish::Nothing);
        }
        match key.code {
            KeyCode::Esc => return Ok(Wish::Leave),
            KeyCode::Tab => self.paused = !self.paused,
            KeyCode::Backspace => drop(self.typed.pop()),
            KeyCode::Enter => return Ok(Wish::Say(std::mem::take(&mut self.typed))),
            KeyCode::Char(letter) => self.typed.push(letter),
            _ => {}
        }
        Ok(Wish::Nothing)
    }
}

/// Room for all points, and never none.
fn range(points: &[(f64, f64)]) -> (f64, f64) {
    let values = points
        .iter()
        .map(|(_, value)| *value)
        .filter(|v| v.is_finite());
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return (-1.0, 1.0);
    }
    let margin = (0.05 * (high - low)).max(1e-3);
    (low - margin, high + margin)
}

/// Plots what the robot tells until Esc is pressed.
pub fn live(args: &PlotArgs) -> Result<()> {
    ensure!(
        args.window > 0.0,
        "--window is the length of the plot, above zero"
    );
    let mut session = Session::open(&args.target)?;
    session.demand(&format!("scope {}", args.channels.join(",")))?;
    let tracks = args
        .channels
        .iter()
        .map(|name| Track::new(name, ""))
        .collect();
    let mut screen = Screen::new(tracks, args.window);
    screen.status = args.target.clone();
    let shown = with_terminal(|terminal| watch(terminal, &mut session, &mut screen));
    session.say("scope off")?;
    shown
}

fn with_terminal(show: impl FnOnce(&mut DefaultTerminal) -> Result<()>) -> Result<()> {
    let mut terminal = ratatui::try_init().context("plots need a terminal")?;
    let shown = show(&mut terminal);
    ratatui::restore();
    shown
}

fn watch(terminal: &mut DefaultTerminal, session: &mut Session, screen: &mut Screen) -> Result<()> {
    loop {
        let next = Instant::now() + FRAME;
        while let Some(left) = next.checked_duration_since(Instant::now()) {
            match session.hear(left)? {
                Some(Told::Record(record)) if !screen.paused => {
                    for (channel, value) in record.values {
                        let (name, unit) = session.name(channel);
                        let window = screen.window;
                        if let Some(track) = screen.tracks.iter_mut().find(|t| t.name == name) {
                            track.unit = unit;
                            track.push(record.seconds, f64::from(value), window);
                        }
                    }
                }
                Some(Told::Record(_)) => {}
                Some(Told::State(seconds, state)) => {
                    screen.status = format!("{state} since {seconds:.1} s");
                }
                Some(Told::Text(text)) => screen.add_text(&text),
                None => break,
            }
        }
        terminal.draw(|frame| screen.draw(frame))?;
        while event::poll(Duration::ZERO)? {
            match screen.key()? {
                Wish::Leave => return Ok(()),
                Wish::Say(line) => session.say(&line)?,
                Wish::Nothing => {}
            }
        }
    }
}

/// Plots a recording: left and right move through it.
pub fn replay(args: &ReplayArgs) -> Result<()> {
    let name = args.file.display();
    let mut csv =
        csv::Reader::from_path(&args.file).with_context(|| format!("{name} cannot be read"))?;
    let head = csv.headers()?.clone();
    ensure!(
        head.get(0) == Some("time_s"),
        "{name} is no recording: its first column is not time_s"
    );
    let titles: Vec<(usize, &str, &str)> = head
        .iter()
        .enumerate()
        .skip(1)
        .map(|(column, title)| match title.split_once(" [") {
            Some((name, unit)) => (column, name, unit.trim_end_matches(']')),
            None => (column, title, ""),
        })
        .collect();
    let mut chosen = Vec::new();
    if args.channels.is_empty() {
        chosen.extend(titles.iter().take(3));
    }
    for wanted in &args.channels {
        match titles.iter().find(|(_, name, _)| name == wanted) {
            Some(title) => chosen.push(title),
            None => {
                let known: Vec<&str> = titles.iter().map(|(_, name, _)| *name).collect();
                bail!(
                    "{name} has no channel {wanted}; it has {}",
                    known.join(", ")
                )
            }
        }
    }
    let mut rows = Vec::new();
    for (line, row) in (2..).zip(csv.records()) {
        let row = row?;
        let number = |column: usize| -> Result<f64> {
            let text = row.get(column).unwrap_or("");
            if text.is_empty() {
                return Ok(f64::NAN);
            }
            text.parse()
                .with_context(|| format!("{name}, line {line}: {text} is not a number"))
        };
        let values: Result<Vec<f64>> = chosen.iter().map(|(column, ..)| number(*column)).collect();
        rows.push((number(0)?, values?));
    }
    ensure!(!rows.is_empty(), "{name} holds no record");
    let tracks = || {
        chosen
            .iter()
            .map(|(_, name, unit)| Track::new(name, unit))
            .collect()
    };
    let last = rows.last().map_or(0.0, |(seconds, _)| *seconds);
    let mut end = rows.first().map_or(0.0, |(seconds, _)| *seconds) + args.window;
    with_terminal(|terminal| {
        loop {
            let mut screen = Screen::new(tracks(), args.window);
            screen.status = format!("{name}, to {end:.1} of {last:.1} s; left and right move");
            for (seconds, values) in rows.iter().filter(|(seconds, _)| *seconds <= end) {
                for (track, value) in screen.tracks.iter_mut().zip(values) {
                    track.push(*seconds, *value, args.window);
                }
            }
            terminal.draw(|frame| screen.draw(frame))?;
            if let Event::Key(key) = event::read()? {
                match key.code {
                    KeyCode::Esc | KeyCode::Char('q') => return Ok(()),
                    KeyCode::Right => end = (end + args.window / 4.0).min(last),
                    KeyCode::Left => end = (end - args.window / 4.0).max(args.window),
                    KeyCode::End => end = last,
                    _ => {}
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_keeps_its_window_and_begins_anew_with_the_robot() {
        let mut track = Track::new("pitch", "rad");
        for tick in 0..1000 {
            track.push(f64::from(tick) * 0.01, 0.0, 2.0);
        }
        assert!((track.points.len() as f64 - 200.0).abs() <= 1.0);
        track.push(0.0, 1.0, 2.0);
        assert_eq!(track.points, [(0.0, 1.0)]);
    }

    #[test]
    fn a_range_is_never_empty() {
        for points in [vec![], vec![(0.0, 3.0)], vec![(0.0, f64::NAN)]] {
            let (low, high) = range(&points);
            assert!(low < high);
        }
        assert_eq!(range(&[(0.0, -1.0), (1.0, 1.0)]), (-1.1, 1.1));
    }
}

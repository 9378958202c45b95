//! The plot for the README: processor time per request on a logarithmic scale, light or dark as the reader has it.

use crate::report::{Entry, short};
use crate::server::Peer;
use crate::workload::Workload;
use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
/// Left of the bars, for the workloads' names.
const NAMES: f64 = 300.0;
/// Right of the longest bar, for its figure.
const FIGURES: f64 = 80.0;
const TOP: f64 = 56.0;
const BAR: f64 = 13.0;
const GAP: f64 = 12.0;
const LETTER: f64 = 4.0;

/// Colours that tell apart in both, and for those who see fewer.
const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a }
.grid { stroke: #d0d7de }
.tokenpair { fill: #0969da } .axum { fill: #bf8700 } .django { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9198a1 }
  .grid { stroke: #3d444d }
  .tokenpair { fill: #4493f8 } .axum { fill: #d29922 } .django { fill: #656c76 }
}";

/// A bar's class, and its name in the legend.
const SERVERS: [(&str, &str); 3] = [
    ("tokenpair", "tokenpair"),
    ("axum", "axum + jsonwebtoken, no store"),
    ("django", "Django + Simple JWT"),
];

fn class(peer: Peer) -> Option<&'static str> {
    match peer {
        Peer::Tokenpair | Peer::TokenpairStateless => Some("tokenpair"),
        Peer::Axum => Some("axum"),
        Peer::Django => Some("django"),
        Peer::Hyper => None,
    }
}

/// What belongs together: a workload's name, and for each server its class and microseconds.
type Group = (String, Vec<(&'static str, f64)>);

/// The whole picture.
pub(crate) fn svg(entries: &[Entry]) -> String {
    let entries = entries.iter().filter(|entry| is_shown(entry));
    draw(&entries.map(group).collect::<Vec<_>>())
}

/// One of each kind: without tables of several sizes, and without the less usual hashers.
fn is_shown(entry: &Entry) -> bool {
    let Workload { id, rows, mode, .. } = &entry.workload;
    *rows == 0 && (*id != "O" || mode.hasher.is_none())
}

fn group(entry: &Entry) -> Group {
    let bars = entry.measured.iter().filter_map(|measured| {
        let microseconds = measured.cpu() + measured.database_cpu();
        Some((class(measured.peer)?, microseconds))
    });
    let bars = bars.filter(|(_, microseconds)| *microseconds > 0.0);
    (entry.workload.about.replace(", 0 rows", ""), bars.collect())
}

fn draw(groups: &[Group]) -> String {
    let scale = Scale::of(groups);
    let mut bars = String::new();
    let mut y = TOP;
    for (name, servers) in groups {
        let middle = y + BAR * count(servers.len()) / 2.0 + LETTER;
        line(
            &mut bars,
            format_args!(
                r#"<text x="{:.0}" y="{middle:.0}" text-anchor="end">{}</text>"#,
                NAMES - 8.0,
                escaped(name)
            ),
        );
        for (class, microseconds) in servers {
            let end = scale.x(*microseconds);
            let (height, width) = (BAR - 2.0, end - NAMES);
            line(
                &mut bars,
                format_args!(
                    r#"<rect class="{class}" x="{NAMES:.0}" y="{y:.0}" width="{width:.1}" height="{height:.0}"/>"#
                ),
            );
            line(
                &mut bars,
                format_args!(
                    r#"<text class="small" x="{:.1}" y="{:.0}">{}</text>"#,
                    end + 5.0,
                    y + height - 1.0,
                    time(*microseconds)
                ),
            );
            y += BAR;
        }
        y += GAP;
    }
    let mut svg = String::new();
    line(
        &mut svg,
        format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0} {y:.0}" role="img" aria-label="Processor time per request">"#
        ),
    );
    line(&mut svg, format_args!("<style>\n{STYLE}\n</style>"));
    legend(&mut svg);
    grid(&mut svg, &scale, y - GAP);
    svg + &bars + "</svg>\n"
}

fn legend(svg: &mut String) {
    line(
        svg,
        format_args!(r#"<text x="0" y="14">Processor time per request</text>"#),
    );
    let mut x = NAMES;
    for (class, name) in SERVERS {
        line(
            svg,
            format_args!(r#"<rect class="{class}" x="{x:.0}" y="4" width="11" height="11"/>"#),
        );
        line(
            svg,
            format_args!(r#"<text x="{:.0}" y="14">{name}</text>"#, x + 16.0),
        );
        x += 40.0 + 7.0 * count(name.len());
    }
}

fn grid(svg: &mut String, scale: &Scale, bottom: f64) {
    for decade in scale.first..=scale.last {
        let microseconds = 10_f64.powi(decade);
        let x = scale.x(microseconds);
        line(
            svg,
            format_args!(
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{:.0}" y2="{bottom:.0}"/>"#,
                TOP - 8.0
            ),
        );
        line(
            svg,
            format_args!(
                r#"<text class="small" x="{x:.1}" y="{:.0}" text-anchor="middle">{}</text>"#,
                TOP - 14.0,
                time(microseconds)
            ),
        );
    }
}

/// Powers of ten beside each other.
struct Scale {
    first: i32,
    last: i32,
}

impl Scale {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a power of ten between microseconds and minutes"
    )]
    fn of(groups: &[Group]) -> Self {
        let all = groups.iter().flat_map(|(_, servers)| servers);
        let powers = all.map(|(_, microseconds)| microseconds.log10());
        let least = powers.clone().reduce(f64::min).unwrap_or(0.0);
        let most = powers.reduce(f64::max).unwrap_or(1.0);
        let first = (least.floor() as i32).min(0);
        Self {
            first,
            last: (most.ceil() as i32).max(first + 1),
        }
    }

    fn x(&self, microseconds: f64) -> f64 {
        let share =
            (microseconds.log10() - f64::from(self.first)) / f64::from(self.last - self.first);
        NAMES + share * (WIDTH - NAMES - FIGURES)
    }
}

fn time(microseconds: f64) -> String {
    match microseconds {
        second if second >= 1e6 => format!("{} s", trimmed(second / 1e6)),
        millisecond if millisecond >= 1e3 => format!("{} ms", trimmed(millisecond / 1e3)),
        microsecond => format!("{} µs", trimmed(microsecond)),
    }
}

fn trimmed(figure: f64) -> String {
    let text = short(figure);
    text.strip_suffix(".00")
        .or(text.strip_suffix(".0"))
        .unwrap_or(&text)
        .to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn line(svg: &mut String, text: std::fmt::Arguments<'_>) {
    // A text can always be written to.
    let _ = writeln!(svg, "{text}");
}

#[allow(clippy::cast_precision_loss, reason = "a few bars")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_ten_times_as_long_is_one_power_further() {
        let groups = vec![(
            "verify <V>".to_owned(),
            vec![("tokenpair", 10.0), ("django", 1000.0)],
        )];
        let scale = Scale::of(&groups);
        assert_eq!((scale.first, scale.last), (0, 3));
        let steps = [1.0, 10.0, 100.0, 1000.0].map(|figure| scale.x(figure));
        assert!((steps[0] - NAMES).abs() < 1e-9);
        assert!((steps[2] - steps[1] - (steps[1] - steps[0])).abs() < 1e-9);

        let svg = draw(&groups);
        assert_eq!(svg.matches("<rect").count(), SERVERS.len() + 2);
        assert!(svg.contains("verify &lt;V>") && svg.contains("prefers-color-scheme: dark"));
        assert!(svg.contains(">1 ms</text>") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        assert_eq!(
            [7.25, 1000.0, 243_000.0, 1e6].map(time),
            ["7.25 µs", "1 ms", "243 ms", "1 s"]
        );
    }

    #[test]
    fn nothing_measured_is_an_empty_picture() {
        assert!(draw(&[]).ends_with("</svg>\n"));
    }
}

//! Whether what a request wrote was on the disk before its answer began.
//!
//! For requests that came one after the other: then everything that was written to the log before an answer belongs to
//! that answer or to an earlier one.

use super::events::{Action, Event, File};
use super::journal::Told;
use super::trace::Moment;

/// Why an answer was too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Since the answer before, no transaction was written.
    NothingWritten,
    /// Something was written that no sync had covered yet.
    NotSynced,
}

/// What came of the answers.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The answers that were too early.
    pub(crate) flaws: Vec<(Moment, Flaw)>,
    /// From the end of the last sync to the first byte, in microseconds.
    pub(crate) margins: Vec<u64>,
}

/// Judges the answers, which stand in their order.
pub(crate) fn judge(events: &[Event], answers: &[Told]) -> Order {
    let mut order = Order::default();
    let mut previous = 0;
    for answer in answers.iter().map(|told| told.at) {
        let before: Vec<&Event> = events
            .iter()
            .filter(|event| event.began.line < answer.line)
            .collect();
        match judge_one(&before, previous, answer) {
            Ok(margin) => order.margins.push(margin),
            Err(flaw) => order.flaws.push((answer, flaw)),
        }
        previous = answer.line;
    }
    order
}

/// The time from the sync to the answer.
fn judge_one(before: &[&Event], previous: usize, answer: Moment) -> Result<u64, Flaw> {
    let has_written = before.iter().any(|event| {
        event.began.line > previous && event.ended_before(answer) && ends_transaction(event)
    });
    if !has_written {
        return Err(Flaw::NothingWritten);
    }
    let is_sync =
        |event: &&&Event| event.action == Action::Sync(File::Log) && event.ended_before(answer);
    let sync = before.iter().filter(is_sync).max_by_key(|sync| sync.began);
    let Some((began, ended)) = sync.and_then(|sync| Some((sync.began, sync.ended?))) else {
        return Err(Flaw::NotSynced);
    };
    let is_write = |event: &&&Event| {
        matches!(
            event.action,
            Action::Write {
                file: File::Log,
                ..
            }
        )
    };
    if before
        .iter()
        .filter(is_write)
        .all(|write| write.ended_before(began))
    {
        Ok(answer.micros.saturating_sub(ended.micros))
    } else {
        Err(Flaw::NotSynced)
    }
}

/// Whether this is the header of a frame that ends a transaction: it holds the size of the database, which is zero in
/// all others (<https://sqlite.org/fileformat2.html#walformat>).
fn ends_transaction(event: &Event) -> bool {
    const HEADER: usize = 24;
    match &event.action {
        Action::Write {
            file: File::Log,
            bytes,
            ..
        } => bytes.len() == HEADER && bytes[4..8] != [0; 4],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::tests::events;
    use super::super::journal::Fact;
    use super::*;

    /// A log-in as it was recorded, with short pages.
    const TRACE: &[&str] = &[
        r#"15  1.000100 pwrite64(11</d/db-wal>, "\x37\x7f\x06\x82\x00\x2d\xe2\x18\x00\x00\x10\x00\x00\x00\x00\x00\xe9\xbd\xc0\x3f\x50\x4f\x6a\x74\x14\xa7\xc0\xfc\x40\xf9\xe7\xf1", 32, 0) = 32 <0.000010>"#,
        r"15  1.000200 fsync(11</d/db-wal>) = 0 <0.000700>",
        r#"15  1.001000 pwrite64(11</d/db-wal>, "\x00\x00\x00\x03\x00\x00\x00\x00\xe9\xbd\xc0\x3f\x50\x4f\x6a\x74\x37\x69\xd1\x6a\x69\x38\x23\x7a", 24, 32) = 24 <0.000010>"#,
        r#"15  1.001100 pwrite64(11</d/db-wal>, "\x0d\x00", 2, 56) = 2 <0.000010>"#,
        r#"15  1.001200 pwrite64(11</d/db-wal>, "\x00\x00\x00\x1d\x00\x00\x00\x23\xe9\xbd\xc0\x3f\x50\x4f\x6a\x74\xa5\xf4\xa8\x32\x67\x8a\xfe\xb8", 24, 58) = 24 <0.000010>"#,
        r#"15  1.001300 pwrite64(11</d/db-wal>, "\x0a\x00", 2, 82) = 2 <0.000010>"#,
        r"15  1.001400 fsync(11</d/db-wal> <unfinished ...>",
        r#"13  1.001500 write(2</d/log>, "one\n", 4) = 4 <0.000010>"#,
        r"15  1.002000 <... fsync resumed>) = 0 <0.000600>",
        r#"13  1.002250 writev(17<TCP:[1->2]>, [{iov_base="HTTP/1.1 200 OK\r\n", iov_len=17}], 1) = 17 <0.000010>"#,
    ];

    fn judged(lines: &[&str], answers: &[usize]) -> Order {
        let events = events(&(lines.join("\n") + "\n")).unwrap();
        let told = answers.iter().map(|line| Told {
            at: events
                .iter()
                .map(|event| event.began)
                .find(|began| began.line == *line)
                .unwrap(),
            fact: Fact::Revoked {
                jti: "a".to_owned(),
            },
        });
        judge(&events, &told.collect::<Vec<_>>())
    }

    fn flaws(lines: &[&str], answers: &[usize]) -> Vec<Flaw> {
        let flaws = judged(lines, answers).flaws.into_iter();
        flaws.map(|(_, flaw)| flaw).collect()
    }

    #[test]
    fn an_answer_after_the_end_of_the_sync_is_in_order() {
        let order = judged(TRACE, &[9]);
        assert_eq!(order.flaws, []);
        assert_eq!(order.margins, [250]);
    }

    #[test]
    fn an_answer_during_the_sync_is_too_early() {
        assert_eq!(flaws(TRACE, &[7]), [Flaw::NotSynced]);
    }

    /// What `synchronous=NORMAL` does: the log is synced when it is begun and before it is emptied, and never else.
    #[test]
    fn an_answer_without_a_sync_is_too_early() {
        let normal: Vec<&str> = TRACE
            .iter()
            .enumerate()
            .filter(|(line, _)| ![6, 8].contains(line))
            .map(|(_, text)| *text)
            .collect();
        assert_eq!(flaws(&normal, &[7]), [Flaw::NotSynced]);
    }

    #[test]
    fn a_sync_that_began_before_the_last_write_does_not_cover_it() {
        let mut early = TRACE.to_vec();
        early.swap(5, 6);
        assert_eq!(flaws(&early, &[9]), [Flaw::NotSynced]);
    }

    #[test]
    fn a_sync_of_another_file_does_not_count() {
        let other: Vec<String> = TRACE
            .iter()
            .map(|line| line.replace("fsync(11</d/db-wal>", "fsync(9</d/db>"))
            .collect();
        let other: Vec<&str> = other.iter().map(String::as_str).collect();
        assert_eq!(flaws(&other, &[9]), [Flaw::NotSynced]);
    }

    #[test]
    fn an_answer_for_which_nothing_was_written_is_too_early() {
        let mut twice = TRACE.to_vec();
        twice.push(TRACE[9]);
        assert_eq!(flaws(&twice, &[9, 10]), [Flaw::NothingWritten]);
        let mut no_commit = TRACE.to_vec();
        no_commit.drain(4..6);
        assert_eq!(flaws(&no_commit, &[7]), [Flaw::NothingWritten]);
    }
}

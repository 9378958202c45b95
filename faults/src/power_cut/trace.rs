//! What `strace -f -ttt -T -yy -x` wrote, read as system calls.
//!
//! A thread that is traced stops when it enters a call and when it leaves it, until strace has written that down: so
//! the order of lines is an order in which things happened. A call has one line, or two where another line came between.

use anyhow::{Context as _, bail};
use std::collections::HashMap;
use std::io::BufRead;

/// One system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) began: Moment,
    /// `None` if it never ended.
    pub(crate) ended: Option<Moment>,
    pub(crate) name: String,
    pub(crate) arguments: String,
    /// What it returned, as strace has it.
    result: String,
}

/// A line of the trace, and its time in microseconds. Two calls on one line do not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) line: usize,
    pub(crate) micros: u64,
}

/// Reads a whole trace. Calls stand in the order of their beginnings.
pub(crate) fn calls(trace: impl BufRead) -> anyhow::Result<Vec<Call>> {
    let mut calls = Vec::new();
    let mut unfinished: HashMap<String, Call> = HashMap::new();
    for (line, text) in trace.lines().enumerate() {
        let text = text?;
        let read = read_line(line, &text, &mut unfinished);
        calls.extend(read.with_context(|| format!("line {} of the trace", line + 1))?);
    }
    // Their threads were killed within them.
    for mut call in unfinished.into_values() {
        call.trim();
        calls.push(call);
    }
    calls.sort_by_key(|call| call.began);
    Ok(calls)
}

/// The call that ends in this line, if one does.
fn read_line(
    line: usize,
    text: &str,
    unfinished: &mut HashMap<String, Call>,
) -> anyhow::Result<Option<Call>> {
    let mut words = text.splitn(2, ' ');
    let thread = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default().trim_start();
    let (time, rest) = rest.split_once(' ').context("no time")?;
    let now = Moment {
        line,
        micros: micros(time)?,
    };
    if rest.starts_with("+++") || rest.starts_with("---") {
        return Ok(None);
    }
    if let Some(resumed) = rest.strip_prefix("<... ") {
        let (_, end) = resumed.split_once(" resumed>").context("no call resumed")?;
        let mut call = unfinished.remove(thread).context("nothing to resume")?;
        call.finish(now, end)?;
        return Ok(Some(call));
    }
    let (name, arguments) = rest.split_once('(').context("no call")?;
    let mut call = Call {
        began: now,
        ended: None,
        name: name.to_owned(),
        arguments: String::new(),
        result: String::new(),
    };
    if let Some(arguments) = arguments.strip_suffix("<unfinished ...>") {
        arguments.clone_into(&mut call.arguments);
        unfinished.insert(thread.to_owned(), call);
        return Ok(None);
    }
    call.finish(now, arguments)?;
    Ok(Some(call))
}

impl Call {
    /// Reads what follows the arguments that are known: the others, `) = RESULT <SECONDS>`.
    fn finish(&mut self, now: Moment, end: &str) -> anyhow::Result<()> {
        let (arguments, result) = end.rsplit_once(" = ").context("no result")?;
        let arguments = arguments.trim_end();
        let arguments = arguments.strip_suffix(')').context("no end of arguments")?;
        self.arguments.push_str(arguments);
        self.trim();
        if result.starts_with('?') {
            return Ok(());
        }
        result.clone_into(&mut self.result);
        let taken = result
            .strip_suffix('>')
            .and_then(|result| result.rsplit_once('<'));
        let taken = taken.map_or(Ok(0), |(_, taken)| micros(taken))?;
        self.ended = Some(Moment {
            line: now.line,
            micros: now.micros.max(self.began.micros + taken),
        });
        Ok(())
    }

    fn trim(&mut self) {
        self.arguments.truncate(self.arguments.trim_end().len());
    }

    /// The number it returned; none if it failed or never ended.
    pub(crate) fn returned(&self) -> Option<u64> {
        let number = self.result.split([' ', '<']).next()?;
        number.parse().ok()
    }

    /// What the first argument, a descriptor, stands for, and the arguments behind it.
    pub(crate) fn place(&self) -> Option<(&str, &str)> {
        let (_, rest) = self.arguments.split_once('<')?;
        match rest.split_once(">, ") {
            Some(parts) => Some(parts),
            None => Some((rest.strip_suffix('>')?, "")),
        }
    }
}

/// Seconds with a fraction of six digits.
fn micros(time: &str) -> anyhow::Result<u64> {
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let parsed = seconds.parse::<u64>().ok().zip(fraction.parse().ok());
    let (seconds, micros): (u64, u64) = parsed.with_context(|| format!("{time:?} is no time"))?;
    Ok(seconds * 1_000_000 + micros)
}

/// The bytes of a text in quotes at the beginning of `text`, and what follows.
pub(crate) fn quoted(text: &str) -> anyhow::Result<(Vec<u8>, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        bail!("no text where there should be one");
    };
    let mut bytes = Vec::new();
    loop {
        let plain = rest.find(['"', '\\']).context("a text without end")?;
        bytes.extend_from_slice(&rest.as_bytes()[..plain]);
        let is_end = rest.as_bytes()[plain] == b'"';
        rest = &rest[plain + 1..];
        if is_end {
            break;
        }
        let (byte, length) = escaped(rest).context("an unknown escape")?;
        bytes.push(byte);
        rest = &rest[length..];
    }
    if rest.starts_with("...") {
        bail!("a text was cut short");
    }
    Ok((bytes, rest))
}

/// The byte that stands behind a backslash, and how long that is.
fn escaped(text: &str) -> Option<(u8, usize)> {
    Some(match text.as_bytes().first()? {
        b'x' => (u8::from_str_radix(text.get(1..3)?, 16).ok()?, 3),
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'v' => (0x0b, 1),
        b'f' => (0x0c, 1),
        b'"' => (b'"', 1),
        b'\\' => (b'\\', 1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(trace: &str) -> Vec<Call> {
        calls(trace.as_bytes()).unwrap()
    }

    #[test]
    fn a_call_that_was_interrupted_has_two_moments_and_all_its_arguments() {
        let calls = read(
            "2313  1795285849.566254 recvfrom(17<TCP:[127.0.0.1:18211->127.0.0.1:50918]>,  <unfinished ...>\n\
             2312  1795285849.566260 close(19</tmp/f4t>) = 0 <0.000004>\n\
             2313  1795285849.566290 <... recvfrom resumed>\"POST\", 24, 0, NULL, NULL) = 4 <0.000030>\n",
        );
        let [received, closed] = &calls[..] else {
            panic!("{calls:?}")
        };
        assert_eq!(
            received.place(),
            Some((
                "TCP:[127.0.0.1:18211->127.0.0.1:50918]",
                " \"POST\", 24, 0, NULL, NULL"
            ))
        );
        assert_eq!(received.returned(), Some(4));
        assert_eq!((received.began.line, received.ended.unwrap().line), (0, 2));
        assert_eq!(received.began.micros, 1_795_285_849_566_254);
        assert_eq!(closed.place(), Some(("/tmp/f4t", "")));
        assert_eq!(closed.ended.unwrap().micros, 1_795_285_849_566_264);
    }

    #[test]
    fn a_call_of_a_thread_that_was_killed_never_ended() {
        let calls = read(
            "7  1.000000 fsync(11</d/db-wal> <unfinished ...>\n\
             8  1.000001 pwrite64(3</d/db>, \"\", 0, 0 <unfinished ...>\n\
             7  1.000002 <... fsync resumed>) = ?\n\
             8  1.000003 +++ killed by SIGKILL +++\n",
        );
        assert_eq!(calls.len(), 2);
        assert_eq!([calls[0].ended, calls[1].ended], [None, None]);
        assert_eq!(calls[1].place(), Some(("/d/db", "\"\", 0, 0")));
    }

    #[test]
    fn a_call_that_failed_returned_nothing() {
        let calls = read(
            "7  1.000000 pwrite64(3</d/db>, \"a\", 1, 0) = -1 ENOSPC (No space left on device) <0.000001>\n",
        );
        assert_eq!(calls[0].returned(), None);
    }

    #[test]
    fn texts_are_read_byte_by_byte() {
        let (bytes, rest) = quoted(r#""\x00\xffa\"b\\\r\n", 24"#).unwrap();
        assert_eq!((&bytes[..], rest), (&b"\x00\xffa\"b\\\r\n"[..], ", 24"));
        for broken in [r#""abc"..., 4"#, r#""abc"#, r#""\q""#, "NULL"] {
            quoted(broken).unwrap_err();
        }
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        for broken in [
            "7 soon close(1) = 0",
            "7 1.0 <... close resumed>) = 0",
            "7 1.0 close(1",
        ] {
            calls(broken.as_bytes()).unwrap_err();
        }
    }
}

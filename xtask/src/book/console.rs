//! A `console` block: commands after `$ `, and under each what it prints. `…` stands for any text, on a line of its own
//! for any lines.

/// What stands for anything.
const ANYTHING: &str = "…";

/// A command with its expected output.
#[derive(Debug, PartialEq)]
pub(super) struct Command {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) expected: Vec<String>,
    /// It is asked for its exit status next, so it may fail.
    pub(super) may_fail: bool,
}

impl Command {
    /// One that may print anything and must succeed.
    pub(super) fn that_succeeds(line: usize, text: String) -> Self {
        let expected = vec![ANYTHING.to_owned()];
        Self {
            line,
            text,
            expected,
            may_fail: false,
        }
    }

    /// The command without its final `&`, if it has one.
    pub(super) fn in_background(&self) -> Option<&str> {
        let text = self.text.strip_suffix('&')?;
        (!text.ends_with('&')).then_some(text.trim_end())
    }
}

/// The commands of a block that begins below `line`. Empty lines between them are for the eye.
pub(super) fn commands(line: usize, lines: &[String]) -> Result<Vec<Command>, String> {
    let mut commands: Vec<Command> = Vec::new();
    let mut lines = lines.iter().zip(line + 1..);
    while let Some((text, line)) = lines.next() {
        if let Some(start) = text.strip_prefix("$ ") {
            let mut text = start.to_owned();
            while text.ends_with('\\') {
                let (next, _) = lines.next().ok_or("the last command is not complete")?;
                text = format!("{text}\n{next}");
            }
            if let Some(before) = commands.last_mut() {
                before.may_fail = text.starts_with("echo $?");
            }
            commands.push(Command {
                line,
                text: text.trim_end().to_owned(),
                expected: Vec::new(),
                may_fail: false,
            });
        } else {
            let command = commands
                .last_mut()
                .ok_or("output before the first command")?;
            command.expected.push(text.clone());
        }
    }
    for Command { expected, .. } in &mut commands {
        while expected.last().is_some_and(|line| line.trim().is_empty()) {
            expected.pop();
        }
    }
    Ok(commands)
}

/// Whether the lines are what is expected, blanks at their ends aside.
pub(super) fn matches(expected: &[String], got: &[String]) -> bool {
    match expected.split_first() {
        None => got.is_empty(),
        Some((any, rest)) if any.trim() == ANYTHING => {
            (0..=got.len()).any(|skipped| matches(rest, &got[skipped..]))
        }
        Some((first, rest)) => got.split_first().is_some_and(|(line, others)| {
            line_matches(first.trim_end(), line.trim_end()) && matches(rest, others)
        }),
    }
}

fn line_matches(expected: &str, got: &str) -> bool {
    let Some((before, after)) = expected.split_once(ANYTHING) else {
        return expected == got;
    };
    let Some(rest) = got.strip_prefix(before) else {
        return false;
    };
    let starts = rest
        .char_indices()
        .map(|(start, _)| start)
        .chain([rest.len()]);
    starts
        .map(|start| &rest[start..])
        .any(|rest| line_matches(after, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_block_is_commands_and_their_output() {
        let block = lines("$ curl -s \\\n    localhost\n{\"a\":1}\n\n$ false\n$ echo $?\n1");
        let commands = commands(10, &block).unwrap();
        let told: Vec<_> = commands
            .iter()
            .map(|c| (c.line, c.text.as_str(), c.expected.len(), c.may_fail))
            .collect();
        assert_eq!(
            told,
            [
                (11, "curl -s \\\n    localhost", 1, false),
                (15, "false", 0, true),
                (16, "echo $?", 1, false)
            ]
        );
    }

    #[test]
    fn output_needs_a_command() {
        assert!(commands(1, &lines("hello")).is_err());
        assert!(commands(1, &lines("$ echo \\")).is_err());
    }

    #[test]
    fn a_final_ampersand_means_background() {
        let text = |text: &str| {
            Command::that_succeeds(1, text.to_owned())
                .in_background()
                .map(str::to_owned)
        };
        assert_eq!(
            text("tokenpair serve --demo &").as_deref(),
            Some("tokenpair serve --demo")
        );
        assert_eq!((text("true"), text("true &&")), (None, None));
    }

    #[test]
    fn wildcards_stand_for_text_within_a_line_and_for_lines() {
        for (expected, got) in [
            ("", ""),
            ("a\nb", "a \nb"),
            ("{\"access\":\"…\"}", "{\"access\":\"eyJ.x\"}"),
            ("…a…b", "xxabab"),
            ("a\n…", "a"),
            ("…\nb\n…", "x\ny\nb"),
            ("[…]\nü…", "[]\nüé"),
        ] {
            assert!(
                matches(&lines(expected), &lines(got)),
                "{expected:?} {got:?}"
            );
        }
        for (expected, got) in [
            ("", "a"),
            ("a", ""),
            ("a…", "ba"),
            ("…\nb", "b\na"),
            ("{\"…\"}", "{\"a\""),
            ("a…b", "a"),
        ] {
            assert!(
                !matches(&lines(expected), &lines(got)),
                "{expected:?} {got:?}"
            );
        }
    }
}

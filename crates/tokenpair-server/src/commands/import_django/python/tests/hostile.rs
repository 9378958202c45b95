//! Files that are no settings, or were written to do harm.

use super::super::{Environment, Project};
use super::{read, show};
use std::path::Path;

#[test]
fn what_is_no_python_is_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.py");
    std::fs::write(&path, "X = 1\nfrom a import\n(B)\nY = = 2\nZ = 3\n").unwrap();
    let mut project = Project::of(&path, Environment::with(&[]));
    let scope = project.run(&path).unwrap();
    assert_eq!(
        (show(scope.get("X").unwrap()), show(scope.get("Z").unwrap())),
        ("1".to_owned(), "3".to_owned())
    );
    let lines: Vec<usize> = project.flaws.iter().map(|flaw| flaw.at.line).collect();
    assert_eq!(lines, [4]);
}

/// Files that would keep a careless reader busy for ever, or end it.
#[test]
fn hostile_files_are_read_to_their_end() {
    let nested = format!("X = {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let lists = format!("X = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    let sum = format!("X = {}", vec!["'a'"; 50_000].join(" + "));
    let blocks: Vec<String> = (0..900)
        .map(|depth| " ".repeat(depth) + "if 1:\n")
        .collect();
    let blocks = blocks.concat();
    let doubled = format!("X = ['a']\n{}", "X = X + X\n".repeat(60));
    let extended = format!("X = ['a']\n{}", "X.extend(X)\n".repeat(60));
    let texts = format!("X = 'aaaaaaaaaaaaaaaa'\n{}", "X = X + X\n".repeat(60));
    let inside = format!("X = {{}}\n{}", "X = {'a': X}\n".repeat(20_000));
    let itself = "X = {}\nX['a'] = X\n".to_owned() + &"X['a'] = X\n".repeat(20_000);
    let classes: Vec<String> = (1..30_000)
        .map(|n| format!("class C{n}(C{}): pass\n", n - 1))
        .collect();
    let classes = classes.concat();
    let forks = format!("X = [1, 2, 3]\n{}", "if f():\n  Y = 1\n".repeat(30_000));
    let calls = format!("X = f{}", "()".repeat(50_000));
    let attributes = format!("X = f{}", ".a".repeat(50_000));
    let targets = format!("X{} = 1", "[0]".repeat(50_000));
    for text in [
        nested, lists, sum, blocks, doubled, extended, texts, inside, itself, classes, forks,
        calls, attributes, targets,
    ] {
        let scope = read(&text, &[], &[]);
        assert!(scope.get("X").is_none_or(|value| value.weight < 200_000));
    }
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut project = Project::of(&path, Environment::with(&[]));
        project.run(&path).err().unwrap().to_string()
    };
    assert!(
        refusal("latin.py", b"X = '\xe9'\n")
            .ends_with("is not written in UTF-8; save it so, and try again")
    );
    assert!(refusal("long.py", &vec![b'#'; (1 << 20) + 1]).contains("longer than 1 MiB"));
    let mut project = Project::of(Path::new("absent.py"), Environment::with(&[]));
    assert!(project.run(Path::new("absent.py")).is_err());
}

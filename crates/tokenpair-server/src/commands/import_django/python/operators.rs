//! Operators: arithmetic, paths, comparisons, conditions.

use super::expressions::put;
use super::statements::Frame;
use super::value::{Value, What};
use std::cmp::Ordering;
use std::rc::Rc;
use tree_sitter::Node;

/// Words that a server's command line does not have: they ask whether tests or other commands run.
const OTHER_COMMANDS: [&str; 6] = [
    "test",
    "pytest",
    "migrate",
    "makemigrations",
    "collectstatic",
    "shell",
];

/// Calls that return a list of routes, which the reader of `urls.py` understands.
const ROUTES: [&str; 4] = [
    "format_suffix_patterns",
    "i18n_patterns",
    "static",
    "staticfiles_urlpatterns",
];

fn is_routes(callee: &str) -> bool {
    let name = callee.rsplit('.').next().unwrap_or_default();
    ROUTES.contains(&name)
}

/// `"%s/%s" % (a, b)`, with no other directive than `%s`.
fn formatted(form: &str, values: &Value) -> Option<String> {
    let single = std::slice::from_ref(values);
    let values = values.as_list().unwrap_or(single);
    let parts: Vec<&str> = form.split("%s").collect();
    if parts.len() != values.len() + 1 || parts.iter().any(|part| part.contains('%')) {
        return None;
    }
    let mut text = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        text.push_str(part);
        match values.get(index).map(|value| &value.what) {
            Some(What::Text(value)) => text.push_str(value),
            Some(What::Int(value)) => text.push_str(&value.to_string()),
            Some(_) => return None,
            None => {}
        }
    }
    Some(text)
}

impl Frame<'_> {
    pub(super) fn binary(&mut self, node: Node<'_>) -> Value {
        let fields = ["left", "operator", "right"].map(|name| node.child_by_field_name(name));
        let [Some(left), Some(operator), Some(right)] = fields else {
            return self.unknown(node, "is incomplete");
        };
        let left = self.evaluate(left);
        let right = self.evaluate(right);
        self.operate(node, self.text(operator), &left, &right)
    }

    pub(super) fn operate(
        &mut self,
        node: Node<'_>,
        operator: &str,
        left: &Value,
        right: &Value,
    ) -> Value {
        let at = self.place(node);
        let what = match (&left.what, &right.what) {
            (What::Unknown(_), _) => return left.clone().made_of([right]),
            (_, What::Unknown(_)) if !matches!(left.what, What::List(_)) => {
                return right.clone().made_of([left]);
            }
            (What::Int(a), What::Int(b)) => whole(operator, *a, *b),
            (What::Float(_) | What::Int(_), What::Float(_) | What::Int(_)) => number(left)
                .zip(number(right))
                .and_then(|(a, b)| fraction(operator, a, b)),
            (What::Text(a), What::Text(b)) if operator == "+" => {
                Some(What::Text(Rc::from(format!("{a}{b}"))))
            }
            (What::Text(a), What::Text(_) | What::Int(_) | What::List(_)) if operator == "%" => {
                formatted(a, right).map(|text| What::Text(Rc::from(text)))
            }
            (What::List(a), What::List(b)) if matches!(operator, "+" | "|") => {
                Some(What::List(a.iter().chain(b).cloned().collect()))
            }
            (What::List(a), What::Call(call)) if operator == "+" && is_routes(&call.callee) => {
                Some(What::List(a.iter().chain([right]).cloned().collect()))
            }
            (What::List(a), _) if matches!(operator, "+" | "|") => {
                // What is added is not known, and what was there is.
                let reason = format!("adds {}", right.describe());
                let more = Value::unknown(reason, right.at.clone());
                Some(What::List(a.iter().cloned().chain([more]).collect()))
            }
            (What::Dict(a), What::Dict(b)) if operator == "|" => {
                let mut members = a.clone();
                for (name, value) in b {
                    put(&mut members, name.clone(), value.clone());
                }
                Some(What::Dict(members))
            }
            (What::Path(_), What::Text(_) | What::Path(_)) | (What::Text(_), What::Path(_))
                if operator == "/" =>
            {
                left.as_path()
                    .zip(right.as_path())
                    .map(|(a, b)| What::Path(a.join(b)))
            }
            // `environ.Path(__file__) - 2`
            (What::Path(path), What::Int(up)) if operator == "-" => {
                let up = usize::try_from(*up).ok();
                up.and_then(|up| path.ancestors().nth(up))
                    .map(|path| What::Path(path.to_owned()))
            }
            (What::Duration(a), What::Duration(b)) => match operator {
                "+" => a.checked_add(*b).map(What::Duration),
                "-" => a.checked_sub(*b).map(What::Duration),
                _ => None,
            },
            (What::Duration(a), What::Int(b)) | (What::Int(b), What::Duration(a))
                if operator == "*" =>
            {
                a.checked_mul(*b).map(What::Duration)
            }
            _ => None,
        };
        let value = if let Some(what) = what {
            Value::new(what, at)
        } else {
            let (left, right) = (left.describe(), right.describe());
            let reason = format!("is {left} {operator} {right}, which is not evaluated");
            self.unknown(node, reason)
        };
        value.made_of([left, right])
    }

    pub(super) fn unary(&mut self, node: Node<'_>) -> Value {
        let operator = node
            .child_by_field_name("operator")
            .map(|operator| self.text(operator));
        let Some(argument) = node.child_by_field_name("argument") else {
            return self.unknown(node, "is incomplete");
        };
        let argument = self.evaluate(argument);
        let what = match (operator, &argument.what) {
            (_, What::Unknown(_)) => return argument,
            (Some("-"), What::Int(number)) => number.checked_neg().map(What::Int),
            (Some("-"), What::Float(number)) => Some(What::Float(-number)),
            (Some("-"), What::Duration(length)) => length.checked_neg().map(What::Duration),
            (Some("+"), _) => Some(argument.what.clone()),
            _ => None,
        };
        match what {
            Some(what) => Value::new(what, self.place(node)).made_of([&argument]),
            None => self.unknown(node, format!("changes {}", argument.describe())),
        }
    }

    /// `a or b`, `a and b`.
    pub(super) fn boolean(&mut self, node: Node<'_>) -> Value {
        let fields = ["left", "operator", "right"].map(|name| node.child_by_field_name(name));
        let [Some(left), Some(operator), Some(right)] = fields else {
            return self.unknown(node, "is incomplete");
        };
        let is_or = self.text(operator) == "or";
        let left = self.evaluate(left);
        match left.truth() {
            Some(truth) if truth == is_or => left,
            Some(_) => {
                let right = self.evaluate(right);
                // `os.environ.get("KEY") or "default"`
                let is_default = is_or && left.is_verbatim && right.variables.is_empty();
                let is_verbatim = is_default || right.is_verbatim && left.variables.is_empty();
                right.made_of([&left]).verbatim(is_verbatim)
            }
            None => {
                // Either way the other side decides: `unknown and False` is false.
                let right = self.evaluate(right);
                match right.truth() {
                    Some(truth) if truth == is_or && matches!(right.what, What::Bool(_)) => right,
                    _ => self.undecided(node, &left),
                }
            }
        }
    }

    fn undecided(&self, node: Node<'_>, value: &Value) -> Value {
        let reason = format!("depends on {}", value.describe());
        self.unknown(node, reason).made_of([value])
    }

    pub(super) fn not(&mut self, node: Node<'_>) -> Value {
        let Some(argument) = node.child_by_field_name("argument") else {
            return self.unknown(node, "is incomplete");
        };
        let argument = self.evaluate(argument);
        match argument.truth() {
            Some(truth) => Value::new(What::Bool(!truth), self.place(node)).made_of([&argument]),
            None => self.undecided(node, &argument),
        }
    }

    /// `a if condition else b`.
    pub(super) fn conditional(&mut self, node: Node<'_>) -> Value {
        let parts = [0, 1, 2].map(|index| node.named_child(index));
        let [Some(yes), Some(condition), Some(no)] = parts else {
            return self.unknown(node, "is incomplete");
        };
        let condition = self.evaluate(condition);
        match condition.truth() {
            Some(true) => self.evaluate(yes).made_of([&condition]),
            Some(false) => self.evaluate(no).made_of([&condition]),
            None => self.undecided(node, &condition),
        }
    }

    /// One comparison; chains of them are rare in settings.
    pub(super) fn comparison(&mut self, node: Node<'_>) -> Value {
        let (left, right) = (node.named_child(0), node.named_child(1));
        let (Some(left), Some(right), 2) = (left, right, node.named_child_count()) else {
            return self.unknown(node, "is a chain of comparisons, which is not evaluated");
        };
        let mut cursor = node.walk();
        let operators = node.children_by_field_name("operators", &mut cursor);
        let words: Vec<&str> = operators.map(|operator| self.text(operator)).collect();
        let words: Vec<&str> = words.join(" ").split_whitespace().map(canonical).collect();
        let left = self.evaluate(left);
        let right = self.evaluate(right);
        let truth = match words.as_slice() {
            ["=="] => equal(&left, &right),
            ["!="] => equal(&left, &right).map(|equal| !equal),
            ["is"] => identical(&left, &right),
            ["is", "not"] => identical(&left, &right).map(|is| !is),
            ["in"] => self.contains(&right, &left),
            ["not", "in"] => self.contains(&right, &left).map(|contains| !contains),
            [operator] => {
                let order = number(&left).zip(number(&right));
                let order = order.and_then(|(a, b)| a.partial_cmp(&b));
                order.map(|order| match *operator {
                    "<" => order == Ordering::Less,
                    ">" => order == Ordering::Greater,
                    "<=" => order != Ordering::Greater,
                    _ => order != Ordering::Less,
                })
            }
            _ => None,
        };
        if let Some(truth) = truth {
            let value = Value::new(What::Bool(truth), self.place(node));
            return value.made_of([&left, &right]);
        }
        let is_left = left.reason().is_some();
        self.undecided(node, if is_left { &left } else { &right })
            .made_of([&left, &right])
    }

    fn contains(&mut self, whole: &Value, part: &Value) -> Option<bool> {
        let text = part.as_text()?;
        match &whole.what {
            What::Text(whole) => Some(whole.contains(text)),
            What::Dict(_) => Some(whole.member(text).is_some()),
            What::Environ => Some(self.project.environment.has(text)),
            What::List(values) => {
                if values.iter().any(|value| value.as_text() == Some(text)) {
                    return Some(true);
                }
                let is_known = values.iter().all(|value| value.as_text().is_some());
                is_known.then_some(false)
            }
            What::Name(name) if matches!(&**name, "sys.argv" | "sys.modules") => {
                OTHER_COMMANDS.contains(&text).then_some(false)
            }
            _ => None,
        }
    }
}

fn canonical(word: &str) -> &'static str {
    const WORDS: [&str; 9] = ["==", "!=", "is", "not", "in", "<", ">", "<=", ">="];
    WORDS.into_iter().find(|known| *known == word).unwrap_or("")
}

fn equal(left: &Value, right: &Value) -> Option<bool> {
    if let (Some(a), Some(b)) = (number(left), number(right)) {
        return Some((a - b).abs() == 0.0);
    }
    let is_plain = |value: &Value| {
        matches!(
            value.what,
            What::None | What::Bool(_) | What::Int(_) | What::Text(_) | What::Path(_)
        )
    };
    (is_plain(left) && is_plain(right)).then(|| left.what == right.what)
}

/// `x is None`, `x is True`: the only ones that settings ask.
fn identical(left: &Value, right: &Value) -> Option<bool> {
    match (&left.what, &right.what) {
        (What::Unknown(_) | What::Call(_) | What::Name(_), _) => None,
        (what, What::None) => Some(*what == What::None),
        (what, What::Bool(flag)) => Some(*what == What::Bool(*flag)),
        _ => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no setting is a number of that size"
)]
fn float(number: i64) -> f64 {
    number as f64
}

fn number(value: &Value) -> Option<f64> {
    match value.what {
        What::Int(number) => Some(float(number)),
        What::Float(number) => Some(number),
        _ => None,
    }
}

fn whole(operator: &str, a: i64, b: i64) -> Option<What> {
    let number = match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "**" => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        "//" if b > 0 => a.checked_div_euclid(b),
        "%" if b > 0 => a.checked_rem_euclid(b),
        "|" => Some(a | b),
        "&" => Some(a & b),
        "<<" => u32::try_from(b)
            .ok()
            .and_then(|b| 1_i64.checked_shl(b))
            .and_then(|b| a.checked_mul(b)),
        "/" => return fraction("/", float(a), float(b)),
        _ => None,
    };
    number.map(What::Int)
}

fn fraction(operator: &str, a: f64, b: f64) -> Option<What> {
    let number = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" if b != 0.0 => a / b,
        _ => return None,
    };
    number.is_finite().then_some(What::Float(number))
}
